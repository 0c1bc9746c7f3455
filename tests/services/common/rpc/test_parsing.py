from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from services.common.rpc.parsing import LONGEST_TEXT, parse, parse_each
from services.common.server import Service
from spotted.errors import InvalidInputError
from spotted.v1 import scorer_pb2, scorer_pb2_grpc
from tests.services.serving import running
from tests.waiting import PATIENCE_S

NO_MESSAGES = [b"\xff", b"\x0a\x02\xc3\x28", b"\x0a\x05ab", b"\xfb\xff\x01" * 20_000]
DECODE = scorer_pb2.GetSurveyRequest.FromString


@pytest.mark.parametrize("content", NO_MESSAGES)
def test_bytes_that_are_no_message_are_refused(content: bytes) -> None:
    with pytest.raises(InvalidInputError, match=f"the {len(content)} bytes sent are not a request"):
        parse(DECODE, content)


def test_a_text_of_the_request_may_be_as_long_as_any_id_and_no_longer() -> None:
    fits = scorer_pb2.GetSurveyRequest(survey_id="a" * LONGEST_TEXT)
    assert parse(DECODE, fits.SerializeToString()) == fits
    longer = scorer_pb2.GetSurveyRequest(survey_id="a" * (LONGEST_TEXT + 1))
    with pytest.raises(InvalidInputError, match="survey_id has 1025 characters") as caught:
        parse(DECODE, longer.SerializeToString())
    assert caught.value.field == "survey_id"


def test_without_a_deserializer_bytes_stay_bytes() -> None:
    assert parse(None, b"\xff") == b"\xff"


def test_a_stream_is_parsed_as_it_comes_and_ends_at_the_first_invalid_message() -> None:
    async def contents() -> AsyncIterator[bytes]:
        yield scorer_pb2.GetSurveyRequest(survey_id="a").SerializeToString()
        yield b"\xff"

    async def read() -> list[str]:
        requests = parse_each(DECODE, contents())
        first = await anext(requests)
        with pytest.raises(InvalidInputError):
            await anext(requests)
        return [first.survey_id, *[request.survey_id async for request in requests]]

    assert asyncio.run(read()) == ["a"]


class Counting(scorer_pb2_grpc.ScorerServiceServicer):
    """Answers how often it was reached."""

    reached = 0

    async def GetSurvey(self, _: object, __: object) -> scorer_pb2.GetSurveyResponse:  # noqa: N802 - the rpc
        self.reached += 1
        return scorer_pb2.GetSurveyResponse()

    async def AddDetections(  # noqa: N802 - the rpc
        self, requests: AsyncIterator[object], _: object
    ) -> scorer_pb2.AddDetectionsResponse:
        async for _ in requests:
            self.reached += 1
        return scorer_pb2.AddDetectionsResponse()


def counting() -> Counting:
    return Counting()  # type: ignore[abstract] # two rpcs are enough here


def sent(channel: grpc.Channel, rpc: str, content: bytes) -> object:
    """The answer to bytes as they are."""
    path = f"/spotted.v1.ScorerService/{rpc}"
    unary: Any = channel.unary_unary(path)
    stream: Any = channel.stream_unary(path)
    if rpc == "AddDetections":
        return stream(iter([content]), timeout=PATIENCE_S)
    return unary(content, timeout=PATIENCE_S, compression=grpc.Compression.Gzip)


def served(servicer: Counting) -> Service:
    def register(server: Any) -> None:  # noqa: ANN401 - either kind of server
        scorer_pb2_grpc.add_ScorerServiceServicer_to_server(servicer, server)
        health_pb2_grpc.add_HealthServicer_to_server(health.aio.HealthServicer(), server)

    return Service("spotted.v1.ScorerService", register)


@pytest.mark.parametrize("content", NO_MESSAGES)
@pytest.mark.parametrize("rpc", ["GetSurvey", "AddDetections"])
def test_over_a_channel_they_are_invalid_with_our_reason_and_reach_no_servicer(
    rpc: str, content: bytes
) -> None:
    servicer = counting()
    with (
        running(served(servicer)) as address,
        grpc.insecure_channel(address) as channel,
        pytest.raises(grpc.RpcError) as caught,
    ):
        sent(channel, rpc, content)
    assert isinstance(caught.value, grpc.Call)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    status, info = rpc_status.from_call(caught.value), error_details_pb2.ErrorInfo()
    assert status is not None
    assert status.details[0].Unpack(info)
    assert info.reason == InvalidInputError.reason
    assert servicer.reached == 0


def test_a_compressed_message_is_measured_by_what_it_unpacks_to() -> None:
    servicer = counting()
    with (
        running(served(servicer), max_receive_bytes=1 << 16) as address,
        grpc.insecure_channel(address) as channel,
        pytest.raises(grpc.RpcError, match="larger than max"),
    ):
        sent(channel, "GetSurvey", bytes(1 << 24))
    assert servicer.reached == 0


def test_health_can_be_watched_and_its_list_is_not_served() -> None:
    with running(served(counting())) as address, grpc.insecure_channel(address) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        watched = stub.Watch(health_pb2.HealthCheckRequest(), timeout=PATIENCE_S)
        assert next(watched).status == health_pb2.HealthCheckResponse.SERVING
        watched.cancel()
        listed: Any = channel.unary_unary("/grpc.health.v1.Health/List")
        with pytest.raises(grpc.RpcError) as caught:
            listed(b"", timeout=PATIENCE_S)
    assert isinstance(caught.value, grpc.Call)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
