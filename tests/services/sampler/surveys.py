"""A toy survey behind the Scorer protocol, and a sampler over it."""

from __future__ import annotations

import itertools
import uuid
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from services.common import process
from services.common.server import Service
from services.common.store.journal import Change, Journal
from services.common.store.store import Store
from services.common.survey.existence import Existence
from services.common.survey.filters import filter_rules, passing
from services.sampler.__main__ import service
from services.sampler.catalogue.members import CatalogueSource
from services.sampler.questions.choice import QuestionRequest
from services.sampler.questions.detection_facts import DetectionFacts
from services.sampler.questions.next_questions import NextQuestions, QuestionBatch
from services.sampler.questions.planner import Planner
from services.sampler.session.leases import Leases
from services.sampler.session.progress import quick_progress
from services.sampler.session.sessions import Sessions
from services.sampler.session.state import SessionState
from services.sampler.survey_values import (
    CandidateColumns,
    Scorer,
    SurveyChanges,
    SurveyFacts,
    SurveyScores,
    Version,
)
from spotted.errors import NotFoundError
from spotted.survey import Camera, Detection
from spotted.v1 import sampler_pb2 as pb
from spotted.v1 import store_pb2, survey_pb2
from spotted.v1.scorer_pb2 import CandidateFilter

ANNOTATOR = "anna"
LEASE_S = 600.0
CAMERAS = {"c": Camera("c", 0.0, 0.0), "d": Camera("d", 3000.0, 4000.0)}


@dataclass
class ToyScorer:
    """Scores of planted animals: high within one, low between, a little noise from a seed."""

    animals: dict[str, str]
    images: dict[str, str] = field(default_factory=dict)
    times_s: dict[str, float] = field(default_factory=dict)
    # further fields of a detection, by id
    more: dict[str, dict[str, Any]] = field(default_factory=dict)
    uid: str = "first"
    revisions: int = 0
    # version of the detections that do not have their first image and vector
    versions: dict[str, int] = field(default_factory=dict)
    # revision after which a detection was changed, and whether it is stored
    log: dict[str, tuple[int, bool]] = field(default_factory=dict)
    reads: int = 0
    fails: Exception | None = None

    def version(self, survey_id: str) -> tuple[Version, int]:
        if self.fails is not None:
            raise self.fails
        if not survey_id.startswith("survey-"):
            raise NotFoundError(f"survey {survey_id!r} does not exist")
        return Version(self.uid, len(self.animals) + self.revisions), len(self.animals)

    def facts(self, survey_id: str) -> SurveyFacts:
        version, _ = self.version(survey_id)
        return SurveyFacts(version, self._detections(), CAMERAS, dict(self.versions))

    def changes(self, survey_id: str, since: Version) -> SurveyChanges:
        version, _ = self.version(survey_id)
        if since.uid != version.uid:
            return SurveyChanges(version, {})
        changed = {i: stored for i, (revision, stored) in self.log.items() if revision > since.revision}
        return SurveyChanges(version, changed)

    def delete(self, detection_id: str) -> None:
        """Delete a detection."""
        del self.animals[detection_id]
        # one detection fewer, and one revision more
        self.revisions += 2
        self._log(detection_id, stored=False)

    def put(self, detection_id: str, animal: str, version: int = 0) -> None:
        """Add a detection again, or replace its image and vector."""
        self.revisions += detection_id in self.animals
        self.animals[detection_id] = animal
        self.versions[detection_id] = version
        self._log(detection_id, stored=True)

    def correct(self, detection_id: str, **fields: Any) -> None:  # noqa: ANN401 - any field of a detection
        """Correct fields of a detection."""
        self.more[detection_id] = self.more.get(detection_id, {}) | fields
        self.revisions += 1
        self._log(detection_id, stored=True)

    def _log(self, detection_id: str, *, stored: bool) -> None:
        self.log[detection_id] = (len(self.animals) + self.revisions, stored)

    def _detections(self) -> dict[str, Detection]:
        return {
            i: Detection(
                i,
                "cd"[n % 2],
                self.times_s.get(i, n * 3600.0),
                self.images.get(i, ""),
                **self.more.get(i, {}),
            )
            for n, i in enumerate(self.animals)
        }

    def read(
        self, survey_id: str, top_k: int, *, with_embeddings: bool, only: CandidateFilter | None = None
    ) -> SurveyScores:
        self.reads += 1
        version, _ = self.version(survey_id)
        ids = list(self.animals)
        passes = passing(filter_rules(only or CandidateFilter()), list(self._detections().values()))
        passed = {i for i, passed in zip(ids, passes.tolist(), strict=True) if passed}
        rows: list[tuple[int, int]] = []
        fused: list[float] = []
        for row, query in enumerate(ids):
            rivals = (other for other in ids if {query, other} <= passed and self._competes(query, other))
            scores = {other: self.score(query, other) for other in rivals}
            for other in sorted(scores, key=lambda i: (-scores[i], i))[:top_k]:
                rows.append((row, ids.index(other)))
                fused.append(scores[other])
        pairs, visual = np.array(rows, np.int32).reshape(-1, 2), np.array(fused, np.float32)
        columns = CandidateColumns(pairs[:, 0], pairs[:, 1], visual, np.ones_like(visual), visual)
        embeddings = np.stack([self._vector(i) for i in ids]) if with_embeddings else None
        return SurveyScores(
            version, top_k, self._detections(), CAMERAS, columns, embeddings, dict(self.versions)
        )

    def score(self, first: str, second: str) -> float:
        low, high = sorted((first, second))
        noise = np.random.default_rng(list(f"{low}|{high}".encode())).uniform(-0.25, 0.25)
        return float(np.float32(0.5 + noise + (0.2 if self.animals[low] == self.animals[high] else 0.0)))

    def _competes(self, first: str, second: str) -> bool:
        image = self.images.get(first)
        return first != second and not (image and image == self.images.get(second))

    def _vector(self, detection_id: str) -> np.ndarray:
        rng = np.random.default_rng(list(self.animals[detection_id].encode()))
        vector = rng.normal(size=8) + np.random.default_rng(list(detection_id.encode())).normal(size=8) * 0.3
        return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


def planted(animals: int = 5, each: int = 4) -> dict[str, str]:
    """Detection id -> animal."""
    return {f"d{n:02}": f"animal-{n % animals}" for n in range(animals * each)}


class Sampler:
    """The collaborators of one sampler process."""

    def __init__(self, store: Store, scorer: Scorer, catalogue: CatalogueSource | None = None) -> None:
        self.store = store
        self.sessions = Sessions(store, scorer, now=process.now, catalogue=catalogue)
        # plans in this process; a sampler that is deployed plans in another
        self.planner = Planner(self.sessions, scorer)
        self.asking = NextQuestions(self.sessions, self.planner, Leases(store), DetectionFacts(scorer))

    def service(self) -> Service:
        return service(self.sessions, self.asking)

    def create(
        self,
        survey_id: str,
        strategy: str = "greedy",
        *,
        seed: int = 0,
        top_k: int = 0,
        trust: pb.Trust.ValueType = pb.TRUST_SINGLE,
        **more: Any,  # noqa: ANN401 - any field of a session
    ) -> pb.Session:
        settings = pb.StrategySettings(strategy_id=strategy, top_k=top_k)
        session = pb.Session(
            session_id="main", survey_id=survey_id, strategy=settings, seed=seed, trust=trust, **more
        )
        plant_survey(self.store, survey_id)
        return self.sessions.create(session, "")

    def asked(self, survey_id: str, annotator: str = ANNOTATOR, **wanted: object) -> QuestionBatch:
        fields = {"count": 1, "lease_s": LEASE_S} | wanted
        asked_for = QuestionRequest(annotator, **fields)  # type: ignore[arg-type] # any of its fields
        return self.asking.next_pairs(survey_id, "main", asked_for)

    def changed(self, survey_id: str) -> None:
        """Let the survey's journal grow, as a change of the survey does."""
        journal = Journal(self.store, survey_id)
        event = store_pb2.SurveyEvent(create_time=process.now(), import_id=uuid.uuid4().hex)
        change, request_id = Change(event.SerializeToString(), b""), uuid.uuid4().hex
        journal.append(change, expected=journal.length(), scope="Test", request_id=request_id)

    def ask(self, survey_id: str, annotator: str = ANNOTATOR, count: int = 1) -> list[tuple[str, str]]:
        questions = self.asked(survey_id, annotator, count=count).questions
        return [(min(q.detection_ids), max(q.detection_ids)) for q in questions]

    def answer(
        self,
        survey_id: str,
        pair: tuple[str, str],
        answer: pb.Answer.ValueType,
        annotator: str = ANNOTATOR,
        request_id: str = "",
    ) -> pb.LabelOutcome:
        label = pb.Label(
            first_detection_id=pair[0], second_detection_id=pair[1], answer=answer, annotator_id=annotator
        )
        given = pb.LabelsGiven(labels=[label])
        (outcome,), _ = self.sessions.submit(survey_id, "main", given, request_id, quick_progress)
        return outcome

    def answer_truly(self, survey_id: str, pair: tuple[str, str], animals: dict[str, str]) -> pb.LabelOutcome:
        same = animals[pair[0]] == animals[pair[1]]
        return self.answer(survey_id, pair, pb.ANSWER_SAME if same else pb.ANSWER_DIFFERENT)

    def unlikeliest(self, survey_id: str) -> tuple[str, str]:
        """The pair of the round that is least likely one animal."""

        def look(state: SessionState, _: int) -> tuple[str, str]:
            query = min(state.queue.open_pairs(), key=lambda query: query.score)
            return state.detection_ids[query.first], state.detection_ids[query.second]

        return self.sessions.folded(survey_id, "main").view(look)

    def finish(self, survey_id: str, animals: dict[str, str]) -> int:
        """Answer everything truly; the number of answers."""
        for given in itertools.count():
            asked = self.asked(survey_id)
            if not asked.questions:
                assert asked.finished
                return given
            first, second = sorted(asked.questions[0].detection_ids)
            self.answer_truly(survey_id, (first, second), animals)
        raise AssertionError

    def partition(self, survey_id: str) -> set[frozenset[str]]:
        folded = self.sessions.folded(survey_id, "main")
        found = folded.view(lambda state, _: state.named_individuals.messages())
        return {frozenset(individual.detection_ids) for individual in found}


def plant_survey(store: Store, survey_id: str) -> None:
    """Make the survey exist in the store, if it does not; the toy scorer has its detections."""
    event = store_pb2.SurveyEvent(
        create_time=process.now(), survey=survey_pb2.Survey(survey_id=survey_id), import_id=uuid.uuid4().hex
    )
    Existence(store).create_survey(survey_id, event.SerializeToString(), b"", "")


def events(sampler: Sampler, survey_id: str, kind: str) -> list[pb.SessionEvent]:
    """The events of a kind in the journal."""
    return [e for e in sampler.sessions.events(survey_id, "main") if e.WhichOneof("event") == kind]


def in_process(store: Store, scorer: Scorer, catalogue: CatalogueSource | None = None) -> Service:
    """A sampler that plans in the same process, to be served."""
    return Sampler(store, scorer, catalogue).service()


def true_partition(animals: dict[str, str]) -> set[frozenset[str]]:
    return {frozenset(i for i in animals if animals[i] == animal) for animal in animals.values()}
