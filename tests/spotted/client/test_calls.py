from __future__ import annotations

import socket
import threading
from concurrent.futures import Future, ThreadPoolExecutor

import grpc
import pytest

from services.common.store.store import Store
from services.scorer.__main__ import service
from spotted.client.calls import open_channel, our_errors, spotted_error, streamed
from spotted.errors import DeadlineError, NotFoundError, SpottedError, UnavailableError
from spotted.local import processes
from spotted.v1 import scorer_pb2
from spotted.v1.scorer_pb2_grpc import ScorerServiceStub
from tests.services.serving import running
from tests.waiting import PATIENCE_S

Answer = Future[scorer_pb2.ListSurveysResponse]


def surveys(channel: grpc.Channel) -> scorer_pb2.ListSurveysResponse:
    return ScorerServiceStub(channel).ListSurveys(
        scorer_pb2.ListSurveysRequest(page_size=1), timeout=PATIENCE_S
    )


def asked_while_down(channel: grpc.Channel, caller: ThreadPoolExecutor) -> Answer:
    """A call whose first attempt has failed because nothing listens."""
    refused = threading.Event()

    def note(state: grpc.ChannelConnectivity) -> None:
        if state is grpc.ChannelConnectivity.TRANSIENT_FAILURE:
            refused.set()

    channel.subscribe(note)
    answer = caller.submit(surveys, channel)
    assert refused.wait(10)
    channel.unsubscribe(note)
    return answer


def test_a_call_waits_for_a_service_that_comes_a_moment_later(store: Store) -> None:
    port = processes.free_port()
    with open_channel(f"127.0.0.1:{port}") as channel, ThreadPoolExecutor(1) as caller:
        answer = asked_while_down(channel, caller)
        with running(service(store), port=port):
            assert answer.result(30) is not None


def test_a_call_made_while_its_service_is_restarted_is_answered(store: Store) -> None:
    port = processes.free_port()
    with open_channel(f"127.0.0.1:{port}") as channel, ThreadPoolExecutor(1) as caller:
        with running(service(store), port=port):
            assert surveys(channel) is not None
        answer = asked_while_down(channel, caller)
        with running(service(store), port=port):
            assert answer.result(30) is not None


def test_a_deadline_that_passed_is_a_deadline_error() -> None:
    with socket.socket() as mute:
        # takes connections and never says a word
        mute.bind((processes.LOOPBACK, 0))
        mute.listen()
        address = f"{processes.LOOPBACK}:{mute.getsockname()[1]}"
        with grpc.insecure_channel(address) as channel, pytest.raises(DeadlineError), our_errors(address):
            ScorerServiceStub(channel).ListSurveys(scorer_pb2.ListSurveysRequest(), timeout=0.2)


def candidates(address: str, channel: grpc.Channel) -> list[scorer_pb2.GetCandidatesResponse]:
    request = scorer_pb2.GetCandidatesRequest(survey_id="nosuch", top_k=1)
    stub = ScorerServiceStub(channel)
    return list(streamed(stub.GetCandidates, request, timeout_s=10, address=address))


def test_a_server_without_the_service_is_no_silent_answer() -> None:
    with (
        running() as address,
        open_channel(address) as channel,
        pytest.raises(SpottedError, match="UNIMPLEMENTED"),
    ):
        candidates(address, channel)


def test_a_streams_error_comes_as_our_class(store: Store) -> None:
    with running(service(store)) as address, open_channel(address) as channel, pytest.raises(NotFoundError):
        candidates(address, channel)


def test_a_dead_address_is_named_with_the_remedy() -> None:
    with (
        pytest.raises(UnavailableError, match=r"127\.0\.0\.1:1.*spotted up"),
        our_errors("127.0.0.1:1"),
        grpc.insecure_channel("127.0.0.1:1") as channel,
    ):
        ScorerServiceStub(channel).ListSurveys(scorer_pb2.ListSurveysRequest(), timeout=PATIENCE_S)


def test_an_error_that_is_no_call_keeps_its_words() -> None:
    assert "odd" in str(spotted_error(grpc.RpcError("odd"), "here"))
