from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import pytest
from grpc import aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from services.common.access.guard import Guard
from services.common.access.public_calls import MOST_RECEIVED, PublicCalls
from services.common.server import Service
from spotted.client.calls import our_errors
from spotted.errors import DeadlineError, InvalidInputError, MessageTooLargeError, OverloadedError
from tests.services.raw_http2 import half_sent
from tests.services.serving import running
from tests.waiting import PATIENCE_S, until

CHECK, WATCH = "/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"


def register(server: aio.Server) -> None:
    health_pb2_grpc.add_HealthServicer_to_server(health.aio.HealthServicer(), server)


HEALTH = Service("grpc.health.v1.Health", register)


@contextmanager
def served(*, most_calls: int = 8, receive_s: float = PATIENCE_S) -> Iterator[str]:
    guard = Guard(None)
    guard._public = PublicCalls(most_calls=most_calls, receive_s=receive_s, unread_s=PATIENCE_S)
    with running(HEALTH, guard=guard) as address:
        yield address


def checked(channel: grpc.Channel, content: bytes = b"") -> health_pb2.HealthCheckResponse:
    call: Any = channel.unary_unary(CHECK)
    with our_errors("service"):
        return health_pb2.HealthCheckResponse.FromString(call(content, timeout=PATIENCE_S))


def test_a_health_check_needs_no_token_and_is_small() -> None:
    with served() as address, grpc.insecure_channel(address) as channel:
        assert checked(channel).status == health_pb2.HealthCheckResponse.SERVING
        padded = health_pb2.HealthCheckRequest(service="x" * 5000).SerializeToString()
        with pytest.raises(MessageTooLargeError, match="accepts 4096"):
            checked(channel, padded)


def test_health_that_is_watched_is_bounded() -> None:
    with served(most_calls=3) as address, grpc.insecure_channel(address) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        watched = [stub.Watch(health_pb2.HealthCheckRequest(), timeout=PATIENCE_S) for _ in range(3)]
        assert {next(stream).status for stream in watched} == {health_pb2.HealthCheckResponse.SERVING}
        with pytest.raises(OverloadedError, match="this connection has 3 calls without a token open"):
            checked(channel)
        # another connection has its own
        with grpc.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)]) as other:
            assert checked(other).status == health_pb2.HealthCheckResponse.SERVING
        watched[0].cancel()
        until(lambda: answers(channel), "room for another call")


def answers(channel: grpc.Channel) -> bool:
    try:
        checked(channel)
    except OverloadedError:
        return False
    return True


def test_a_request_that_does_not_arrive_ends_and_holds_no_place() -> None:
    proceed = threading.Event()

    def late() -> Iterator[bytes]:
        proceed.wait(PATIENCE_S)
        yield b""

    with served(receive_s=0.01) as address, grpc.insecure_channel(address) as channel:
        call: Any = channel.stream_unary(CHECK)
        with pytest.raises(DeadlineError, match="did not arrive"), our_errors("service"):
            call(late(), timeout=PATIENCE_S)
        proceed.set()
        none: Any = channel.stream_unary(CHECK)
        with pytest.raises(InvalidInputError, match="no request"), our_errors("service"):
            none(iter(()), timeout=PATIENCE_S)


def test_few_requests_are_received_at_once_and_the_next_ones_wait_for_them() -> None:
    with (
        served(most_calls=64, receive_s=0.2) as address,
        grpc.insecure_channel(address) as channel,
        half_sent(address) as client,
    ):
        streams = [client.call(CHECK) for _ in range(2 * MOST_RECEIVED)]
        for stream in streams:
            client.begin_message(stream, announced=1000, sent=10)
        assert checked(channel).status == health_pb2.HealthCheckResponse.SERVING
        for stream in streams:
            client.until_ended(stream)
