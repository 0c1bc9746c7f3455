from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from grpc import StatusCode, aio

from services.common.rpc.errors import DETAILS_KEY, rich_status
from services.common.server import Service
from spotted.errors import NotFoundError, SpottedError
from spotted.v1 import scorer_pb2, scorer_pb2_grpc
from tests.services.serving import running
from tests.waiting import PATIENCE_S
from tools import wire_calls
from tools.fuzz_wire import Tally, finish, fuzz, look, read, write
from tools.wire_calls import Answer, Call, Caller, call, rpcs
from tools.wire_servers import Servers

# what ten seconds take; `make fuzz-wire` sends a hundred thousand
MESSAGES = 1500
GET = next(rpc for rpc in rpcs() if rpc.method.endswith("/GetSurvey"))


@pytest.fixture(scope="module")
def servers(models: Path, forked_services: None) -> Iterator[Servers]:  # noqa: ARG001 - how they start
    with Servers(models) as started:
        started.tend()
        look(started, Tally())
        yield started


@pytest.mark.slow
def test_mutated_requests_find_nothing_and_leave_the_services_whole(servers: Servers, tmp_path: Path) -> None:
    tally = Tally()
    asyncio.run(fuzz(servers, tally, messages=MESSAGES, seed=7, found=tmp_path))
    finish(servers, tally)
    assert tally.faults == {}
    assert tally.messages >= MESSAGES
    # most is refused, and some is done, so that it is read again after the restart
    assert tally.statuses["INVALID_ARGUMENT"] > MESSAGES // 10
    assert tally.statuses["OK"] > MESSAGES // 10
    assert not list(tmp_path.iterdir())


def test_a_process_that_died_and_a_trace_in_a_log_are_faults(servers: Servers) -> None:
    sampler = servers.run.member("sampler")
    assert sampler is not None
    process = sampler.process()
    assert process is not None
    with (servers.directory / "scorer.log").open("a") as log:
        log.write("Traceback (most recent call last):\n")
    process.kill()
    psutil.wait_procs([process], timeout=PATIENCE_S)
    found = servers.faults()
    servers.restart()
    assert any(fault.startswith("scorer.log has a trace") for fault in found)
    assert "the sampler died" in found
    assert servers.faults() == []


def test_a_call_is_the_same_for_the_same_seed_and_outlives_its_file(tmp_path: Path) -> None:
    made = [call(3, number, rpcs()) for number in range(200)]
    assert made == [call(3, number, rpcs()) for number in range(200)]
    assert made != [call(4, number, rpcs()) for number in range(200)]
    for one in made:
        write(tmp_path / "call.json", one)
        kept = read(tmp_path / "call.json")
        assert (kept.rpc, kept.contents) == (one.rpc, one.contents)


class Failing(scorer_pb2_grpc.ScorerServiceServicer):
    """Fails as no service may."""

    async def GetSurvey(self, _: object, __: object) -> scorer_pb2.GetSurveyResponse:  # noqa: N802 - the rpc
        raise ZeroDivisionError("once")


def test_the_caller_reports_an_unforeseen_failure() -> None:
    def register(server: Any) -> None:  # noqa: ANN401 - either kind of server
        scorer_pb2_grpc.add_ScorerServiceServicer_to_server(Failing(), server)  # type: ignore[abstract] # one rpc is enough here

    async def send(address: str) -> Answer:
        async with Caller({"scorer": address}) as caller:
            return await caller.send(Call(GET, (b"",)))

    with running(Service("spotted.v1.ScorerService", register)) as address:
        answer = asyncio.run(send(address))
    assert answer.code is StatusCode.INTERNAL
    assert answer.fault.startswith("INTERNAL: GetSurvey failed unexpectedly")


def refused(code: StatusCode, details: str, error: SpottedError | None = None) -> aio.AioRpcError:
    """The error that a client gets for a status, with the error's own details if it has some."""
    said = ((DETAILS_KEY, rich_status(error).SerializeToString()),) if error else ()
    return aio.AioRpcError(code, aio.Metadata(), aio.Metadata(*said), details)


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (refused(StatusCode.NOT_FOUND, "words", NotFoundError("words")), ""),
        (refused(StatusCode.NOT_FOUND, "words"), "NOT_FOUND without ErrorInfo: words"),
        (refused(StatusCode.UNKNOWN, "words"), "UNKNOWN: words"),
        (refused(StatusCode.UNIMPLEMENTED, "words"), "UNIMPLEMENTED: words"),
        (refused(StatusCode.DEADLINE_EXCEEDED, "words"), "no answer in time"),
        (refused(StatusCode.CANCELLED, "words"), "CANCELLED: words"),
        (
            refused(StatusCode.RESOURCE_EXHAUSTED, "Sent message larger than max (5 vs. 4)"),
            "RESOURCE_EXHAUSTED ",
        ),
        (refused(StatusCode.RESOURCE_EXHAUSTED, "Received message larger than max (5 vs. 4)"), ""),
    ],
)
def test_a_refusal_without_our_reason_is_a_fault(error: aio.AioRpcError, fault: str) -> None:
    found = wire_calls._refusal_fault(Call(GET, (b"",)), error)
    assert found.startswith(fault) if fault else not found


def test_an_answer_that_is_late_or_no_message_is_a_fault() -> None:
    assert wire_calls._late(Call(GET, (b"",), timeout_s=1.0), 37.0) == "answered after 37.0 s"
    assert not wire_calls._late(Call(GET, (b"",), timeout_s=1.0), 1.1)
    assert wire_calls._content_fault(Call(GET, (b"",)), [b"\xff"]).startswith(
        "the answer is no GetSurveyResponse"
    )


def test_a_fault_is_reported_once_per_kind(capsys: pytest.CaptureFixture[str]) -> None:
    tally = Tally()
    for number in range(3):
        answer = Answer(StatusCode.INTERNAL, 0.1, f"INTERNAL: survey 'fuzz-{number}' failed {number} times")
        assert tally.add(Call(GET, (b"",)), answer) is (number == 0)
    assert len(tally.faults) == 1
    assert capsys.readouterr().out.count("fault:") == 1
