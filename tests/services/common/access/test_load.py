from __future__ import annotations

import multiprocessing
import resource
from collections.abc import AsyncIterator
from contextlib import ExitStack
from multiprocessing.connection import Connection
from typing import Any

import grpc
import pytest
from grpc import aio

from services.common.access.caller import Caller
from services.common.access.guard import Guard
from services.common.access.load import COPIES, Load, keep
from services.common.server import Service
from spotted.client.calls import our_errors
from spotted.errors import OverloadedError
from spotted.v1 import scorer_pb2, scorer_pb2_grpc
from tests.services.serving import running
from tests.waiting import PATIENCE_S, until

BLOCK = 1 << 20
FIRST, SECOND = Caller("first", "wcs"), Caller("second", "wcs")


def test_calls_are_bounded_for_each_token_and_in_all() -> None:
    load = Load(most_calls=4)
    with ExitStack() as opened:
        for caller in (FIRST, FIRST, SECOND):
            opened.enter_context(load.call(caller))
        with pytest.raises(OverloadedError, match="this token has 2 calls open, 2 are") as caught:
            opened.enter_context(load.call(FIRST))
        assert caught.value.retry_after_s > 0
        opened.enter_context(load.call(SECOND))
        with pytest.raises(OverloadedError, match="this service has 4 calls open, 4 are"):
            opened.enter_context(load.call(Caller("third", "wcs")))
    # what ended counts no longer
    with load.call(FIRST), load.call(FIRST):
        pass
    assert not load._calls.by_token


def test_a_stream_counts_its_largest_answer_until_it_ends() -> None:
    load = Load(most_stream_bytes=100 * COPIES)
    with load.call(FIRST) as answers:
        for size in (10, 50, 20, 50):
            answers.sending(size)
        with load.call(FIRST) as more, pytest.raises(OverloadedError, match="this token has 200 bytes"):
            more.sending(1)
        with load.call(SECOND) as others:
            others.sending(50)
    with load.call(FIRST) as answers:
        answers.sending(50)
    assert not load._bytes.by_token


def test_what_a_stream_keeps_counts_until_it_ends() -> None:
    load = Load(most_stream_bytes=100 * COPIES)
    with load.call(FIRST) as answers:
        answers.sending(25)
        keep(25 * COPIES)
        with pytest.raises(OverloadedError, match="this token has 200 bytes"):
            keep(1)
    with load.call(FIRST) as answers:
        answers.sending(50)
    assert not load._bytes.by_token


def test_with_tokens_off_all_callers_share_the_whole() -> None:
    load = Load(most_calls=2)
    with load.call(Caller()), load.call(Caller()), pytest.raises(OverloadedError):
        load.call(Caller()).__enter__()


def endless() -> Service:
    """A scorer whose matrices never end, and that answers other calls."""
    block = scorer_pb2.GetScoreMatrixResponse()
    block.scores.content = bytes(BLOCK)

    async def matrix(_: object, __: object) -> AsyncIterator[scorer_pb2.GetScoreMatrixResponse]:
        while True:
            # a new message each time, as in the service
            copy = scorer_pb2.GetScoreMatrixResponse()
            copy.CopyFrom(block)
            yield copy

    async def surveys(_: object, __: object) -> scorer_pb2.ListSurveysResponse:
        return scorer_pb2.ListSurveysResponse()

    def register(server: aio.Server) -> None:
        servicer: Any = scorer_pb2_grpc.ScorerServiceServicer()  # type: ignore[abstract] # two rpcs are enough here
        servicer.GetScoreMatrix, servicer.ListSurveys = matrix, surveys
        scorer_pb2_grpc.add_ScorerServiceServicer_to_server(servicer, server)

    return Service("spotted.v1.ScorerService", register)


def serve_endless(to_test: Connection, load: Load, unread_s: float) -> None:
    with running(endless(), guard=Guard(None, load=load, unread_s=unread_s)) as address:
        to_test.send(address)
        # until the test ends
        to_test.recv()


class Endless:
    """A process that serves `endless`."""

    def __init__(self, load: Load, unread_s: float) -> None:
        spawning = multiprocessing.get_context("spawn")
        self.connection, other = spawning.Pipe()
        self.process = spawning.Process(target=serve_endless, args=(other, load, unread_s))
        self.process.start()
        self.address: str = self.connection.recv()

    def rss(self) -> int:
        """Bytes of memory that the process uses."""
        with open(f"/proc/{self.process.pid}/statm") as file:  # noqa: PTH123 - of the kernel
            return int(file.read().split()[1]) * resource.getpagesize()

    def end(self) -> None:
        self.connection.send("end")
        self.process.join()


def matrices(channel: grpc.Channel, count: int) -> list[Any]:
    """Streams of answers that nobody reads."""
    stub: Any = scorer_pb2_grpc.ScorerServiceStub(channel)
    return [stub.GetScoreMatrix(scorer_pb2.GetScoreMatrixRequest(), timeout=PATIENCE_S) for _ in range(count)]


def ends(calls: list[Any]) -> list[grpc.StatusCode]:
    """The statuses of the calls that have ended."""
    return [call.code() for call in calls if call.done()]


def first_answer(stub: Any) -> bool:  # noqa: ANN401 - stubs have no types
    """Whether a new matrix has room for its first block."""
    call = stub.GetScoreMatrix(scorer_pb2.GetScoreMatrixRequest(), timeout=PATIENCE_S)
    try:
        with our_errors("scorer"):
            next(call)
    except OverloadedError:
        return False
    call.cancel()
    return True


def test_streams_that_nobody_reads_take_bounded_memory_and_others_are_answered() -> None:
    room = 64 * BLOCK
    server = Endless(Load(most_stream_bytes=room), unread_s=PATIENCE_S)
    before = server.rss()
    with grpc.insecure_channel(server.address) as channel:
        calls = matrices(channel, 150)
        until(lambda: len(ends(calls)) > 150 - room // (COPIES * BLOCK), "streams without room refused")
        assert set(ends(calls)) == {grpc.StatusCode.RESOURCE_EXHAUSTED}
        stub: Any = scorer_pb2_grpc.ScorerServiceStub(channel)
        stub.ListSurveys(scorer_pb2.ListSurveysRequest(), timeout=PATIENCE_S)
        # without the bound it is 550 MB
        assert server.rss() - before < 3 * room
        for call in calls:
            call.cancel()
        # the room is there again, and the memory is used again
        until(lambda: first_answer(stub), "room again")
        for _ in range(3):
            for call in matrices(channel, 150):
                call.cancel()
        assert server.rss() - before < 3 * room
    server.end()


def test_a_stream_that_stays_unread_is_cancelled_and_leaves_its_room() -> None:
    server = Endless(Load(most_stream_bytes=COPIES * (BLOCK + 1024)), unread_s=0.1)
    with grpc.insecure_channel(server.address) as channel:
        (unread,) = matrices(channel, 1)
        next(unread)
        stub = scorer_pb2_grpc.ScorerServiceStub(channel)
        until(lambda: first_answer(stub), "the unread stream ended")
    server.end()
