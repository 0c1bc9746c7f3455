"""Replicas whose clocks are hours apart: no order, lease or request depends on a service's clock."""

from __future__ import annotations

import time

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from services.common.store.operations import Operations
from services.common.store.store import Store
from services.sampler.questions.detection_facts import DetectionFacts
from services.sampler.questions.next_questions import NextQuestions
from services.sampler.questions.planner import Planner
from services.sampler.session.leases import Leases
from services.sampler.session.progress import quick_progress
from services.sampler.session.sessions import Sessions
from spotted.v1 import operations_pb2
from spotted.v1 import sampler_pb2 as pb
from tests.services.sampler.surveys import Sampler, ToyScorer, planted, true_partition

ANIMALS = planted(animals=3, each=3)
NOON_S = 1_750_000_000
HOURS_S = 6 * 3600


class At(Sampler):
    """A replica whose clock stands at a time."""

    def __init__(self, store: Store, scorer: ToyScorer, at_s: int) -> None:
        super().__init__(store, scorer)
        self.sessions = Sessions(store, scorer, now=lambda: Timestamp(seconds=at_s))
        self.planner = Planner(self.sessions, scorer)
        self.asking = NextQuestions(self.sessions, self.planner, Leases(store), DetectionFacts(scorer))


@pytest.fixture
def replicas(store: Store) -> tuple[At, At]:
    return At(store, ToyScorer(ANIMALS), NOON_S), At(store, ToyScorer(ANIMALS), NOON_S + HOURS_S)


def test_a_lease_of_one_replica_holds_at_another_hours_ahead(replicas: tuple[At, At], survey_id: str) -> None:
    here, ahead = replicas
    here.create(survey_id)
    (mine,) = here.ask(survey_id, "anna")
    assert mine not in ahead.ask(survey_id, "ben", count=50)
    assert ahead.ask(survey_id, "anna") == [mine]


def test_a_request_repeated_at_a_replica_hours_ahead_is_one_request(
    replicas: tuple[At, At], survey_id: str
) -> None:
    here, ahead = replicas
    here.create(survey_id)
    (pair,) = here.ask(survey_id, "anna")
    first = here.answer(survey_id, pair, pb.ANSWER_SAME, request_id="once")
    assert ahead.answer(survey_id, pair, pb.ANSWER_SAME, request_id="once") == first


def test_a_session_answered_at_replicas_hours_apart_ends_as_at_one(
    replicas: tuple[At, At], survey_id: str
) -> None:
    here, ahead = replicas
    here.create(survey_id)
    for turn in range(100):
        replica = replicas[turn % 2]
        questions = replica.ask(survey_id)
        if not questions:
            break
        replica.answer_truly(survey_id, questions[0], ANIMALS)
    assert here.partition(survey_id) == ahead.partition(survey_id) == true_partition(ANIMALS)


def test_progress_read_hours_behind_the_last_answer_is_a_rate_and_no_error(
    replicas: tuple[At, At], survey_id: str
) -> None:
    here, ahead = replicas
    here.create(survey_id)
    for replica in (ahead, here, ahead, here):
        (pair,) = replica.ask(survey_id)
        replica.answer_truly(survey_id, pair, ANIMALS)
    for replica in replicas:
        progress = replica.sessions.folded(survey_id, "main").view(quick_progress)
        assert progress.answers_per_minute >= 0.0


def test_an_operation_reported_by_a_worker_whose_clock_is_behind_is_not_given_up(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    operations, present_s = Operations(store, now=store.now), time.time()
    monkeypatch.setattr(time, "time", lambda: present_s - HOURS_S)
    running = operations.begin("")
    assert abs(running.update_time.seconds - present_s) < 60.0
    monkeypatch.setattr(time, "time", lambda: present_s + HOURS_S)
    assert operations.get(running.operation_id).state == operations_pb2.OPERATION_STATE_RUNNING
