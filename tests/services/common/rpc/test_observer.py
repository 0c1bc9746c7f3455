"""Calls as they are counted, over real channels to a real server."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import grpc
import pytest
from prometheus_client import REGISTRY

from services.common.rpc.observer import WatchInterceptor
from services.common.server import Service
from services.common.telemetry import logs
from spotted.errors import NotFoundError, SpottedError
from spotted.v1 import scorer_pb2 as pb
from spotted.v1 import scorer_pb2_grpc
from spotted.v1.scorer_pb2_grpc import ScorerServiceStub
from tests.samples import sample
from tests.services.serving import running
from tests.waiting import PATIENCE_S, until

SERVICE = "spotted.v1.ScorerService"
LINE = "this is being served"


class Scripted(scorer_pb2_grpc.ScorerServiceServicer):
    """Does what the survey id says."""

    async def GetSurvey(self, request: pb.GetSurveyRequest, _: object) -> pb.GetSurveyResponse:  # noqa: N802
        await asyncio.to_thread(logging.getLogger("spotted").info, LINE)
        if request.survey_id == "missing":
            raise NotFoundError("no such survey")
        if request.survey_id == "broken":
            raise RuntimeError("secret")
        if request.survey_id == "endless":
            await asyncio.sleep(60)  # until the caller gives up
        return pb.GetSurveyResponse()

    async def GetCandidates(  # noqa: N802
        self, request: pb.GetCandidatesRequest, _: object
    ) -> AsyncIterator[pb.GetCandidatesResponse]:
        yield pb.GetCandidatesResponse(revision=1)
        if request.survey_id == "endless":
            await asyncio.sleep(60)  # until the caller gives up
        yield pb.GetCandidatesResponse(revision=2)

    async def AddDetections(  # noqa: N802
        self, request_iterator: AsyncIterator[pb.AddDetectionsRequest], _: object
    ) -> pb.AddDetectionsResponse:
        async for _request in request_iterator:
            pass
        return pb.AddDetectionsResponse(added=1)


def scripted() -> Service:
    def register(server: Any) -> None:  # noqa: ANN401 - either kind of server
        scorer_pb2_grpc.add_ScorerServiceServicer_to_server(Scripted(), server)  # type: ignore[abstract] # three rpcs are enough here

    return Service(SERVICE, register)


@pytest.fixture(scope="module")
def channel() -> Iterator[grpc.Channel]:
    with running(scripted()) as address, grpc.insecure_channel(address) as opened:
        yield opened


def finished(method: str, status: str) -> float:
    return sample("spotted_rpc_duration_seconds_count", service=SERVICE, method=method, status=status)


@contextmanager
def one_more(read: Callable[[], float]) -> Iterator[None]:
    """Calls counted while the context lasts; a call may end after its caller knows."""
    before = read()
    yield
    until(lambda: read() != before, "one more is counted")
    assert read() == before + 1


def get(channel: grpc.Channel, survey_id: str, **options: Any) -> object:  # noqa: ANN401 - of the call
    return ScorerServiceStub(channel).GetSurvey(
        pb.GetSurveyRequest(survey_id=survey_id), **{"timeout": PATIENCE_S, **options}
    )


@pytest.mark.parametrize(
    ("survey_id", "status"), [("there", "OK"), ("missing", "NOT_FOUND"), ("broken", "INTERNAL")]
)
def test_a_call_is_counted_by_the_status_that_its_caller_got(
    channel: grpc.Channel, survey_id: str, status: str
) -> None:
    def started() -> float:
        return sample("spotted_rpc_started_total", service=SERVICE, method="GetSurvey")

    with one_more(lambda: finished("GetSurvey", status)), one_more(started), suppress(grpc.RpcError):
        get(channel, survey_id)


def test_a_call_that_runs_out_of_time_and_one_that_is_given_up_are_distinguished(
    channel: grpc.Channel,
) -> None:
    with one_more(lambda: finished("GetSurvey", "DEADLINE_EXCEEDED")), suppress(grpc.RpcError):
        get(channel, "endless", timeout=1)
    stub = ScorerServiceStub(channel)
    with one_more(lambda: finished("GetCandidates", "CANCELLED")):
        answers = stub.GetCandidates(pb.GetCandidatesRequest(survey_id="endless"), timeout=PATIENCE_S)
        next(answers)
        answers.cancel()
    with one_more(lambda: finished("GetCandidates", "OK")):
        assert len(list(stub.GetCandidates(pb.GetCandidatesRequest(), timeout=PATIENCE_S))) == 2


def test_methods_that_nobody_registered_are_one(channel: grpc.Channel) -> None:
    def other() -> float:
        return sample(
            "spotted_rpc_duration_seconds_count", service="other", method="other", status="UNIMPLEMENTED"
        )

    for path in (f"/{SERVICE}/Invented", "/made.up/Name"):
        call: Any = channel.unary_unary(path, request_serializer=None, response_deserializer=None)
        with one_more(other), pytest.raises(grpc.RpcError) as caught:
            call(b"", timeout=PATIENCE_S)
        assert isinstance(caught.value, grpc.Call)
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    names = {s.labels.get("method") for metric in REGISTRY.collect() for s in metric.samples}
    assert not names & {"Invented", "Name"}


def test_the_size_of_every_message_is_counted(channel: grpc.Channel) -> None:
    def sizes() -> tuple[float, float]:
        labels = {"service": SERVICE, "method": "AddDetections"}
        return sample("spotted_rpc_received_bytes_total", **labels), sample(
            "spotted_rpc_sent_bytes_total", **labels
        )

    requests = [pb.AddDetectionsRequest(survey_id="x" * length) for length in (10, 1000, 0)]
    received, sent_ = sizes()
    answer = ScorerServiceStub(channel).AddDetections(iter(requests), timeout=PATIENCE_S)
    now_received, now_sent = sizes()
    assert now_received - received == sum(len(request.SerializeToString()) for request in requests)
    assert now_sent - sent_ == len(answer.SerializeToString()) > 0


def told_id(call: grpc.Call) -> str:
    (found,) = (value for name, value in call.trailing_metadata() if name == logs.REQUEST_ID)
    assert isinstance(found, str)
    return found


def sent(channel: grpc.Channel, survey_id: str, request_id: str) -> grpc.Call:
    """The call of a survey under a request id, answered or failed."""
    stub = ScorerServiceStub(channel).GetSurvey
    metadata = ((logs.REQUEST_ID, request_id),) if request_id else ()
    call: Any = stub.future(pb.GetSurveyRequest(survey_id=survey_id), timeout=PATIENCE_S, metadata=metadata)
    call.exception()
    assert isinstance(call, grpc.Call)
    return call


@pytest.mark.parametrize("survey_id", ["missing", "broken"])
def test_a_call_that_fails_gets_its_request_id_back(channel: grpc.Channel, survey_id: str) -> None:
    assert told_id(sent(channel, survey_id, "my-id-1")) == "my-id-1"
    made = {told_id(sent(channel, survey_id, "")) for _ in range(3)}
    assert len(made) == 3


@pytest.mark.parametrize("wanted", ["-1.2345", "spotted_id_secret", "a b", "x" * 65])
def test_an_id_that_must_not_be_repeated_is_replaced(channel: grpc.Channel, wanted: str) -> None:
    assert logs.sane(told_id(sent(channel, "missing", wanted))) not in {"", wanted}


def test_an_internal_error_names_the_request_id_and_nothing_of_the_inside(channel: grpc.Channel) -> None:
    call = sent(channel, "broken", "find-me")
    assert "find-me" in (call.details() or "")
    assert "secret" not in (call.details() or "")
    assert not issubclass(RuntimeError, SpottedError)


def test_lines_of_a_call_carry_its_request_id_and_method_in_threads_too(channel: grpc.Channel) -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logs.JsonFormatter("scorer", str))
    logger = logging.getLogger("spotted")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        for request_id in ("first", "second"):
            sent(channel, "broken", request_id)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [(line["request_id"], line["method"]) for line in lines] == [
        ("first", "GetSurvey"),
        ("first", "GetSurvey"),
        ("second", "GetSurvey"),
        ("second", "GetSurvey"),
    ]
    assert [line["message"] for line in lines] == [LINE, "GetSurvey failed"] * 2
    assert all("RuntimeError: secret" in line["trace"] for line in lines[1::2])


class Headers:
    """The context of a call with some metadata."""

    def __init__(self, *headers: tuple[str, str]) -> None:
        self._headers = headers

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return self._headers

    def code(self) -> None:
        return None


def test_every_call_without_a_request_id_gets_one_of_its_own() -> None:
    seen: list[str] = []

    async def answer(_request: bytes, _context: object) -> bytes:
        seen.append(logs.current().request_id)
        return b""

    async def call() -> None:
        handlers = [
            WatchInterceptor().wrap(f"/{SERVICE}/Get", grpc.unary_unary_rpc_method_handler(answer))
            for _ in range(2)
        ]
        for handler in handlers * 2:
            behaviour: Any = handler.unary_unary
            await behaviour(b"", Headers())
        await behaviour(b"", Headers((logs.REQUEST_ID, "mine")))

    asyncio.run(call())
    assert len(set(seen)) == 5
    assert seen[-1] == "mine"
