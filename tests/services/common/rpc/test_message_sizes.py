from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest

from services.common.rpc.message_sizes import (
    MAX_MESSAGE_BYTES,
    REFUSED_BY_GRPC,
    check_received,
    serialized,
)
from services.common.server import Service
from spotted.client.calls import open_channel, our_errors
from spotted.errors import MessageTooLargeError
from spotted.v1 import scorer_pb2, scorer_pb2_grpc
from tests.services.failing import failure_of
from tests.services.serving import running
from tests.waiting import PATIENCE_S

LIMIT = 1 << 16


def scorer(answer_bytes: int) -> Service:
    """A scorer whose answers have a number of bytes."""
    answer = scorer_pb2.ListSurveysResponse(next_page_token="x" * answer_bytes)

    async def one(_: object, __: object) -> scorer_pb2.ListSurveysResponse:
        return answer

    async def each(_: object, __: object) -> AsyncIterator[scorer_pb2.ListSurveysResponse]:
        yield answer

    async def last(requests: AsyncIterator[object], _: object) -> scorer_pb2.ListSurveysResponse:
        async for _ in requests:
            pass
        return answer

    def register(server: Any) -> None:  # noqa: ANN401 - either kind of server
        servicer: Any = scorer_pb2_grpc.ScorerServiceServicer()  # type: ignore[abstract] # three rpcs are enough here
        servicer.QueryCandidates, servicer.GetScoreMatrix, servicer.AddDetections = one, each, last
        scorer_pb2_grpc.add_ScorerServiceServicer_to_server(servicer, server)

    return Service("spotted.v1.ScorerService", register)


def unary(channel: grpc.Channel, content: bytes) -> bytes:
    call: Any = channel.unary_unary("/spotted.v1.ScorerService/QueryCandidates")
    answered: bytes = call(content, timeout=PATIENCE_S)
    return answered


def answers(channel: grpc.Channel, content: bytes) -> list[bytes]:
    call: Any = channel.unary_stream("/spotted.v1.ScorerService/GetScoreMatrix")
    return list(call(content, timeout=PATIENCE_S))


def stream(channel: grpc.Channel, content: bytes) -> bytes:
    call: Any = channel.stream_unary("/spotted.v1.ScorerService/AddDetections")
    answered: bytes = call(iter([content]), timeout=PATIENCE_S)
    return answered


SHAPES = [unary, answers, stream]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_request_too_large_is_an_error_of_its_own(shape: Callable[..., object]) -> None:
    with (
        running(scorer(0), max_receive_bytes=LIMIT) as address,
        open_channel(address) as channel,
        pytest.raises(grpc.RpcError) as caught,
    ):
        shape(channel, bytes(LIMIT + 1))
    code, reason, message = failure_of(caught.value)
    assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "MESSAGE_TOO_LARGE")
    assert f"has {LIMIT + 1} bytes, this call accepts {LIMIT}" in message


@pytest.mark.parametrize("shape", SHAPES)
def test_an_answer_too_large_is_an_error_of_its_own(shape: Callable[..., object]) -> None:
    with (
        running(scorer(MAX_MESSAGE_BYTES)) as address,
        open_channel(address) as channel,
        pytest.raises(grpc.RpcError) as caught,
    ):
        shape(channel, b"")
    code, reason, message = failure_of(caught.value)
    assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "MESSAGE_TOO_LARGE")
    assert f"clients accept {MAX_MESSAGE_BYTES}" in message


def test_what_grpc_itself_refuses_is_the_same_error_for_the_client() -> None:
    small = [("grpc.max_receive_message_length", 1000), ("grpc.max_send_message_length", -1)]
    with running(scorer(LIMIT), max_receive_bytes=LIMIT) as address:
        with (
            open_channel(address) as channel,
            pytest.raises(MessageTooLargeError, match="Received message larger"),
            our_errors(address),
        ):
            unary(channel, bytes(REFUSED_BY_GRPC * LIMIT + 1))
        with (
            grpc.insecure_channel(address, options=small) as channel,
            pytest.raises(MessageTooLargeError, match="Received message larger"),
            our_errors(address),
        ):
            unary(channel, b"")
        with (
            open_channel(address) as channel,
            pytest.raises(MessageTooLargeError, match="Sent message larger"),
            our_errors(address),
        ):
            unary(channel, bytes((32 << 20) + 1))


def test_messages_may_be_as_large_as_the_limit() -> None:
    check_received(bytes(LIMIT), LIMIT)
    assert serialized(None, bytes(LIMIT), LIMIT) == bytes(LIMIT)
    with pytest.raises(MessageTooLargeError, match="accepts 65536; send smaller"):
        check_received(bytes(LIMIT + 1), LIMIT)
    with pytest.raises(MessageTooLargeError, match="ask for less"):
        serialized(None, bytes(LIMIT + 1), LIMIT)
