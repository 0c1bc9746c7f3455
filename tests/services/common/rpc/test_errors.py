from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import grpc
import pytest

from services.common.rpc.errors import STATUS, rich_status, status_code
from services.common.server import Service
from spotted import errors
from spotted.client.calls import open_channel, our_errors
from spotted.errors import SpottedError
from spotted.v1 import scorer_pb2, scorer_pb2_grpc
from tests.services.serving import running
from tests.waiting import PATIENCE_S


def every_kind(kind: type[SpottedError] = SpottedError) -> Iterator[type[SpottedError]]:
    """Those of the contract, without what a module derives for itself."""
    for nearer in kind.__subclasses__():
        if nearer.__module__ == errors.__name__:
            yield nearer
        yield from every_kind(nearer)


def made(kind: type[SpottedError]) -> SpottedError:
    if issubclass(kind, errors.OverloadedError):
        return kind("full", retry_after_s=2.5)
    if issubclass(kind, errors.InvalidInputError):
        return kind("wrong", field="top_k")
    return kind("words")


@pytest.mark.parametrize("kind", list(every_kind()))
def test_every_error_has_a_status_and_a_reason_of_its_own(kind: type[SpottedError]) -> None:
    assert status_code(made(kind)) in STATUS.values()
    assert kind.reason != SpottedError.reason
    assert [other for other in every_kind() if other.reason == kind.reason] == [kind]


@pytest.mark.parametrize("kind", list(every_kind()))
def test_no_detail_type_stands_twice(kind: type[SpottedError]) -> None:
    urls = [detail.type_url for detail in rich_status(made(kind)).details]
    assert len(urls) == len(set(urls))


def test_a_message_as_long_as_a_request_is_shortened_to_what_metadata_holds() -> None:
    status = rich_status(errors.InvalidInputError("é" * 100_000, field="id"))
    assert status.message.startswith("é" * 400)
    assert len(status.SerializeToString()) < 4096
    # as gRPC sends it: percent-encoded, and once more in the details
    assert 3 * len(status.message.encode()) + len(status.SerializeToString()) * 4 / 3 < 8192


class Failing(scorer_pb2_grpc.ScorerServiceServicer):
    """Raises what it is given, in a unary and in a streaming rpc."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def GetSurvey(self, _: object, __: object) -> scorer_pb2.GetSurveyResponse:  # noqa: N802 - the rpc
        raise self._error

    async def GetCandidates(  # noqa: N802 - the rpc
        self, _: object, __: object
    ) -> AsyncIterator[scorer_pb2.GetCandidatesResponse]:
        yield scorer_pb2.GetCandidatesResponse(revision=1)
        raise self._error


def failing(error: Exception) -> Service:
    def register(server: Any) -> None:  # noqa: ANN401 - either kind of server
        scorer_pb2_grpc.add_ScorerServiceServicer_to_server(Failing(error), server)  # type: ignore[abstract] # two rpcs are enough here

    return Service("spotted.v1.ScorerService", register)


Call = Callable[[scorer_pb2_grpc.ScorerServiceStub], object]


def unary(stub: scorer_pb2_grpc.ScorerServiceStub) -> object:
    return stub.GetSurvey(scorer_pb2.GetSurveyRequest(), timeout=PATIENCE_S)


def streaming(stub: scorer_pb2_grpc.ScorerServiceStub) -> object:
    return list(stub.GetCandidates(scorer_pb2.GetCandidatesRequest(), timeout=PATIENCE_S))


@pytest.mark.parametrize("call", [unary, streaming])
@pytest.mark.parametrize("kind", list(every_kind()))
def test_an_error_arrives_as_the_class_that_was_raised(kind: type[SpottedError], call: Call) -> None:
    error = made(kind)
    # a retried UNAVAILABLE would only make the test slow
    with running(failing(error)) as address, grpc.insecure_channel(address) as channel:
        stub = scorer_pb2_grpc.ScorerServiceStub(channel)
        with pytest.raises(kind, match=str(error)) as caught, our_errors(address):
            call(stub)
    assert type(caught.value) is kind
    assert getattr(caught.value, "field", "") == getattr(error, "field", "")
    assert getattr(caught.value, "retry_after_s", 0) == getattr(error, "retry_after_s", 0)


def test_an_unforeseen_error_is_internal_and_reveals_nothing_of_the_inside() -> None:
    with (
        running(failing(RuntimeError("secret"))) as address,
        open_channel(address) as channel,
        pytest.raises(grpc.RpcError) as caught,
    ):
        unary(scorer_pb2_grpc.ScorerServiceStub(channel))
    assert isinstance(caught.value, grpc.Call)
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in (caught.value.details() or "")


def test_an_address_without_a_service_names_the_remedy() -> None:
    address = "127.0.0.1:1"
    with grpc.insecure_channel(address) as channel:
        stub = scorer_pb2_grpc.ScorerServiceStub(channel)
        with pytest.raises(errors.UnavailableError, match=r"127\.0\.0\.1:1.*spotted up"), our_errors(address):
            unary(stub)
