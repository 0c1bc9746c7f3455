"""A survey that is worked on through the real services, step by step, and all that these show of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from services.common import process
from services.common.store import keys
from services.common.store.store import Store
from services.common.survey.heads import HeadStore
from services.embedder.training.head_onnx import to_onnx
from services.upkeep.backup.write import BackedUp, Backups
from spotted.client import Label, SessionHandle, Spotted, SurveyHandle
from spotted.client.survey_messages import spec_message
from spotted.client.values import PairQuery
from spotted.constraints.answers import Answer
from spotted.facts import KnownIndividuals
from spotted.heads.head import Head
from spotted.scoring.fusion import Fusion
from spotted.scoring.similarity import unit_rows
from spotted.survey import Camera, Detection
from spotted.v1 import sampler_pb2
from tests.services.journal_entries import contents
from tests.spotted.client.surveys import KNOWN, SPEC, known_vectors, survey

ANIMALS = 6
DIMENSION = SPEC.dimension
SESSIONS = ("main", "second")


class Life:
    """The life of one survey; each step is drawn at random, and allowed."""

    def __init__(self, spotted: Spotted, store: Store, survey_id: str, seed: int) -> None:
        self.spotted, self.store, self.survey_id = spotted, store, survey_id
        self.rng = np.random.default_rng(seed)
        self.added = 0
        self.labels: list[tuple[str, str]] = []
        self.steps: dict[str, Callable[[], None]] = {
            "add": self.add,
            "delete": self.delete,
            "move": self.move,
            "answer": self.answer,
            "retract": self.retract,
            "head": self.head,
            "calibrate": self.calibrate,
        }
        spotted.create_survey(survey(survey_id)).add_detections(KNOWN, known_vectors(), SPEC)

    @property
    def survey(self) -> SurveyHandle:
        return self.spotted.survey(self.survey_id)

    def add(self) -> None:
        count = int(self.rng.integers(1, 4))
        new = [
            Detection(
                f"n{self.added + i:03}",
                f"c{self.rng.integers(3)}",
                float(self.rng.integers(90_000)),
                individual_id=f"a{self.rng.integers(ANIMALS)}",
            )
            for i in range(count)
        ]
        self.added += count
        seen = self.rng.normal(size=(count, DIMENSION)).astype(np.float32)
        self.survey.add_detections(new, seen, SPEC)

    def delete(self) -> None:
        there = [d.detection_id for d in self.survey.detections()]
        # sessions go on asking about what they know; a survey keeps some
        if len(there) > 20:
            gone = str(self.rng.choice(there))
            self.survey.delete_detections([gone])

    def move(self) -> None:
        camera = Camera("c1", x_m=float(self.rng.uniform(0, 5000)), y_m=0.0)
        self.survey.upsert_cameras([camera])

    def answer(self) -> None:
        session_id = str(self.rng.choice(SESSIONS))
        strategy = {"main": "greedy", "second": "mean-linkage"}[session_id]
        session = self.survey.create_session(
            session_id, strategy=strategy, seed=3, known_individuals=KnownIndividuals.IGNORED
        )
        asked = session.next_pairs("anna", count=2).pairs
        answers = labels(asked, lambda: Answer(int(self.rng.choice([1, 2, 2, 3]))))
        if answers:
            stored = session.submit_labels(answers)
            self.labels += [(session_id, outcome.label.label_id) for outcome in stored.outcomes]

    def retract(self) -> None:
        if self.labels:
            session_id, label_id = self.labels.pop(int(self.rng.integers(len(self.labels))))
            self.survey.session(session_id).retract_labels([label_id], "anna")

    def head(self) -> None:
        self.survey.activate_head(store_head(self.store, int(self.rng.integers(3))))

    def calibrate(self) -> None:
        self.survey.fit_calibration(use_known_individuals=True)


def labels(asked: Iterable[PairQuery], answer: Callable[[], Answer]) -> list[Label]:
    """Anna's answers to the pairs that she is asked."""
    return [Label(pair.first.detection_id, pair.second.detection_id, answer(), "anna") for pair in asked]


def store_head(store: Store, seed: int, survey_id: str = "any") -> str:
    """A head drawn at random, in the store under its digest."""
    rng = np.random.default_rng(seed)
    shapes = ((3, DIMENSION), (3,), (DIMENSION, 3))
    first, second, third = (rng.normal(size=shape).astype(np.float32) for shape in shapes)
    onnx = to_onnx(Head(first, second, third, np.zeros(DIMENSION, np.float32)), unit_rows(known_vectors()))
    return HeadStore(store).put(
        onnx, spec_message(SPEC), survey_id=survey_id, recipe_json="{}", metrics={"gain": 0.1}, created_s=7.0
    )


def seen(spotted: Spotted, survey_id: str) -> dict[str, object]:
    """All that the services show of a survey, but for its ids; its vectors and scores bit for bit."""
    survey = spotted.survey(survey_id)
    detections, embeddings = survey.detections_with_embeddings(base=True)
    shown: dict[str, object] = {
        "survey": replace(survey.info(), survey_id="", etag="", uid=""),
        "cameras": list(survey.cameras()),
        "detections": detections,
        "embeddings": embeddings.tobytes(),
        "spec": survey.score_spec(),
    }
    for fusion in (Fusion.PRODUCT, Fusion.CALIBRATED):
        shown[f"candidates {fusion}"] = list(survey.candidates(top_k=20, fusion=fusion))
    for session in survey.sessions():
        shown[f"session {session.session_id}"] = shown_of_session(survey.session(session.session_id))
    return shown


def shown_of_session(session: SessionHandle) -> dict[str, object]:
    events = [sampler_pb2.SessionEvent.FromString(event.content) for event in session.events()]
    events[0].ClearField("import_id")
    events[0].created.ClearField("survey_id")
    for event in events:
        if event.HasField("planned"):
            event.planned.ClearField("survey_uid")
    shown: dict[str, object] = {
        "session": replace(session.info(), survey_id=""),
        "events": events,
        "individuals": list(session.individuals()),
        "conflicts": list(session.conflicts()),
        "progress": session.progress(),
    }
    asked = session.next_pairs("berta", count=3)
    pairs = tuple(replace(pair, lease_expires_at_s=None) for pair in asked.pairs)
    return {**shown, "asked": replace(asked, pairs=pairs)}


def backed_up(store: Store, survey_id: str, directory: Path) -> BackedUp:
    return Backups(store, now=process.now).back_up(survey_id, directory / "survey.spotted")


def entries(store: Store, survey_id: str) -> dict[str, list[bytes]]:
    """The events of a survey's journals, by session id."""
    found = {"": contents(store, keys.survey_journal(survey_id))}
    for session_id in store.members(keys.sessions(survey_id)):
        found[session_id] = contents(store, keys.session_journal(survey_id, session_id))
    return found
