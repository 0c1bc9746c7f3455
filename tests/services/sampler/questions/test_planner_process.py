"""Planning processes, real ones, with the store and a scorer over gRPC behind them."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest

from services.common.session import round_messages
from services.common.settings import Settings
from services.common.store.store import Store
from services.sampler.questions.choice import QuestionRequest
from services.sampler.questions.detection_facts import DetectionFacts
from services.sampler.questions.next_questions import NextQuestions
from services.sampler.questions.planner_process import PlannerProcess, PlannerProcesses, PlanningWork, Refusal
from services.sampler.scorer_client import ScorerClient
from services.sampler.session.leases import Leases
from services.scorer.__main__ import service as scorer_service
from spotted.client import EmbeddingSpec, Spotted
from spotted.errors import (
    InvalidInputError,
    NotFoundError,
    OverloadedError,
    SpottedError,
    StoreUnavailableError,
    UnavailableError,
)
from spotted.survey import Camera, Detection, Survey
from tests.services.sampler.surveys import Sampler
from tests.services.serving import running
from tests.waiting import PATIENCE_S

SPEC = EmbeddingSpec(backbone_digest="b", preprocessing_digest="p", dimension=8)
DETECTIONS = [Detection(f"d{n}", "c", n * 4000.0) for n in range(8)]
NOTHING = frozenset[tuple[int, int]]()


@dataclass
class Surroundings:
    """The surroundings of a planning process: a store, and a scorer with a survey of a session."""

    settings: Settings
    sampler: Sampler


@pytest.fixture
def around(store: Store, survey_id: str) -> Iterator[Surroundings]:
    vectors = np.random.default_rng(3).normal(size=(len(DETECTIONS), 8)).astype(np.float32)
    with running(scorer_service(store)) as scorer:
        client = ScorerClient(scorer)
        with Spotted(embedder=scorer, scorer=scorer, sampler=scorer) as spotted:
            spotted.create_survey(Survey(survey_id, 0.0, 100_000.0, cameras={"c": Camera("c", 0.0, 0.0)}))
            spotted.survey(survey_id).add_detections(DETECTIONS, vectors, SPEC)
        sampler = Sampler(store, client)
        sampler.create(survey_id, "learned")
        yield Surroundings(Settings("127.0.0.1:0", store.url, scorer_address=scorer), sampler)
        client.close()


BUDGET_BYTES = 64 << 20


@dataclass(frozen=True)
class DiesAtFirst:
    """A planning process that is killed over its first plan; the flag is set when it was."""

    flag: Path
    work: PlanningWork

    def __call__(self, line: Connection) -> None:
        if not self.flag.exists():
            line.recv()
            self.flag.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        self.work(line)


def test_a_process_plans_what_this_one_would_refuses_as_it_would_and_leaves_when_asked(
    around: Surroundings, survey_id: str
) -> None:
    planner = PlannerProcess(PlanningWork(around.settings, BUDGET_BYTES))
    planner.close()
    planned = planner.plan(survey_id, "main", NOTHING)
    assert planned == around.sampler.planner.plan(survey_id, "main", NOTHING)
    assert planned is not None
    assert len(planned.added_detection_ids) == len(DETECTIONS)
    with pytest.raises(NotFoundError, match=r"'nosuch'.*create the session first"):
        planner.plan(survey_id, "nosuch", NOTHING)
    # it sees what is journalled meanwhile
    around.sampler.ask(survey_id)
    every = round_messages.read_pairs(planned.first, planned.second)
    later = planner.plan(survey_id, "main", frozenset(every[:5]))
    assert later == around.sampler.planner.plan(survey_id, "main", frozenset(every[:5]))
    assert later is not None
    assert (later.round, len(later.first)) == (2, len(planned.first) - 5 * 4)
    assert planner.plan(survey_id, "main", frozenset(every)) is None
    # one process did it all
    (child,) = multiprocessing.active_children()
    planner.close()
    assert multiprocessing.active_children() == []
    assert child.exitcode == 0


@pytest.mark.parametrize(
    "error",
    [
        OverloadedError("full", retry_after_s=2.5),
        InvalidInputError("wrong", field="top_k"),
        StoreUnavailableError("gone"),
    ],
)
def test_a_refusal_crosses_with_all_that_it_says(error: SpottedError) -> None:
    crossed = pickle.loads(pickle.dumps(Refusal.of(error))).error()  # noqa: S301 - as a line between processes
    assert type(crossed) is type(error)
    assert (str(crossed), crossed.args, vars(crossed)) == (str(error), error.args, vars(error))


def test_a_killed_process_is_restarted(around: Surroundings, survey_id: str, tmp_path: Path) -> None:
    planner = PlannerProcess(DiesAtFirst(tmp_path / "died", PlanningWork(around.settings, BUDGET_BYTES)))
    with pytest.raises(UnavailableError, match="ask again"):
        planner.plan(survey_id, "main", NOTHING)
    planned = planner.plan(survey_id, "main", NOTHING)
    assert planned
    (child,) = multiprocessing.active_children()
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    child.join(30)
    # between plans nobody notices
    assert planner.plan(survey_id, "main", NOTHING) == planned
    planner.close()


@pytest.mark.parametrize("planned", [False, True])
def test_a_process_whose_sampler_is_gone_before_or_after_its_plan_ends_quietly(
    around: Surroundings, survey_id: str, *, planned: bool
) -> None:
    spawning = multiprocessing.get_context("spawn")
    here, there = spawning.Pipe()
    process = spawning.Process(target=PlanningWork(around.settings, BUDGET_BYTES), args=(there,))
    process.start()
    there.close()
    here.send(([], survey_id, "main", NOTHING))
    if planned:
        assert here.poll(PATIENCE_S)
    here.close()
    process.join(PATIENCE_S)
    assert process.exitcode == 0


def test_a_survey_keeps_its_process_and_annotators_are_asked_through_it(
    store: Store, around: Surroundings, survey_id: str
) -> None:
    planners = PlannerProcesses(2, PlanningWork(around.settings, BUDGET_BYTES))
    scorer = ScorerClient(around.settings.scorer_address)
    asking = NextQuestions(around.sampler.sessions, planners, Leases(store), DetectionFacts(scorer))
    for annotator in ("anna", "ben"):
        assert asking.next_pairs(survey_id, "main", QuestionRequest(annotator, 3, 60.0)).questions
    assert planners.plan(survey_id, "main", NOTHING)
    assert len(multiprocessing.active_children()) == 1
    asking.close()
    planners.close()
    scorer.close()
    assert multiprocessing.active_children() == []
