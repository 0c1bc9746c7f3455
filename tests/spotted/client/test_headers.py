from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from spotted.client.calls import open_channel
from spotted.client.headers import SURVEY, SendsHeaders
from spotted.v1.scorer_pb2 import GetSurveyRequest
from tests.waiting import PATIENCE_S


class Echo(grpc.GenericRpcHandler):
    """Answers every call, of each of the four kinds, with the metadata that came."""

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        metadata = repr(sorted((m[0], m[1]) for m in handler_call_details.invocation_metadata)).encode()
        method = handler_call_details.method
        if not method.startswith("/echo/"):
            # a channel asks for health by itself
            return None
        kind = method.rpartition("/")[2]
        many = kind.endswith("stream")

        def answer(_: object, __: object) -> Any:  # noqa: ANN401 - one answer or several
            return iter([metadata, metadata]) if many else metadata

        make = getattr(grpc, f"{kind}_rpc_method_handler")
        made: grpc.RpcMethodHandler[Any, Any] = make(answer)
        return made


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server: Any = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((Echo(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(1.0).wait()


@pytest.mark.parametrize("kind", ["unary_unary", "unary_stream", "stream_unary", "stream_stream"])
def test_every_kind_of_call_carries_the_headers_of_that_moment(address: str, kind: str) -> None:
    numbers = itertools.count()
    channel = grpc.insecure_channel(address)
    with grpc.intercept_channel(
        channel, SendsHeaders(lambda _: [("x-number", str(next(numbers)))])
    ) as opened:
        call: Any = getattr(opened, kind)(f"/echo/{kind}")
        for number in range(2):
            request = iter([b"a", b"b"]) if kind.startswith("stream") else b"a"
            answer = call(request, timeout=PATIENCE_S, metadata=(("x-own", "kept"),))
            metadata = next(iter(answer)) if kind.endswith("stream") else answer
            assert f"('x-number', '{number}')".encode() in metadata
            assert b"('x-own', 'kept')" in metadata


def test_a_request_that_names_a_survey_says_so_to_proxies(address: str) -> None:
    with open_channel(address) as channel:
        call: Any = channel.unary_unary(
            "/echo/unary_unary", request_serializer=GetSurveyRequest.SerializeToString
        )
        assert b"('x-spotted-survey', 'kruger')" in call(
            GetSurveyRequest(survey_id="kruger"), timeout=PATIENCE_S
        )
        for no_id in ("", "krüger", "kru\nger"):
            assert SURVEY.encode() not in call(GetSurveyRequest(survey_id=no_id), timeout=PATIENCE_S)


def test_no_headers_change_nothing(address: str) -> None:
    channel = grpc.insecure_channel(address)
    with grpc.intercept_channel(channel, SendsHeaders(lambda _: [])) as opened:
        call: Any = opened.unary_unary("/echo/unary_unary")
        assert b"x-number" not in call(b"a", timeout=PATIENCE_S)


def test_a_failure_is_the_callers_to_see() -> None:
    channel = grpc.insecure_channel("127.0.0.1:1")
    with grpc.intercept_channel(channel, SendsHeaders(lambda _: [("x-number", "1")])) as opened:
        call: Any = opened.unary_unary("/echo/unary_unary")
        with pytest.raises(grpc.RpcError) as caught:
            call(b"a", timeout=PATIENCE_S)
        assert isinstance(caught.value, grpc.Call)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
