"""The services that `fuzz_wire` talks to: real processes with a survey, watched for what none may do."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from services.common.store.store import Store
from services.common.survey.heads import HeadStore
from spotted.client import Label, Spotted
from spotted.client.survey_messages import embedding_spec
from spotted.constraints.answers import Answer
from spotted.errors import NotFoundError
from spotted.local import processes
from spotted.survey import Camera, Detection, Survey
from tools.wire_requests import (
    ANNOTATORS,
    CAMERAS,
    DETECTIONS,
    DIMENSION,
    DOOMED,
    DOOMED_SESSION,
    END_S,
    SESSIONS,
    SMALL,
    SPEC,
    START_S,
    SURVEYS,
    head,
)

KEPT = (*SURVEYS, SMALL, DOOMED)
FEW = 8
# what fuzzing may add to the memory of a process that serves a survey of a few kilobytes
MEMORY_BYTES = 512 << 20


class Servers:
    """A store and the three services, with the surveys and sessions that requests ask about."""

    def __init__(self, models: Path) -> None:
        self._models = models
        self._temporary = tempfile.TemporaryDirectory(prefix="spotted-fuzz-")
        self.directory = Path(self._temporary.name)
        self._read: dict[str, int] = {}
        self._first_bytes: dict[str, int] = {}

    def __enter__(self) -> Self:
        self._start()
        store = Store(self.run.store_url)
        store.open()
        HeadStore(store).put(head(), SPEC, survey_id=SMALL, recipe_json="{}", metrics={}, created_s=END_S)
        store.close()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.spotted.close()
        processes.down(self.directory)
        self._temporary.cleanup()

    def restart(self) -> None:
        """Stop everything and start it on what the store has on disk."""
        self.spotted.close()
        processes.down(self.directory)
        self._start()

    def tend(self) -> None:
        """Recreate what requests deleted, and delete what they created."""
        for survey in list(self.spotted.surveys()):
            if survey.survey_id not in KEPT:
                self.spotted.survey(survey.survey_id).delete()
        for survey_id in KEPT:
            self._keep(survey_id)

    def faults(self) -> list[str]:
        """Faults of the processes: one that died, does not serve, grew, or logged a trace."""
        found = list(self._traces())
        for member in self.run.members:
            process = member.process()
            if process is None:
                found.append(f"the {member.role} died")
            elif not processes.answers(member, timeout_s=10.0):
                found.append(f"the {member.role} is not serving")
            elif (grown := self.grown_bytes(member)) > MEMORY_BYTES:
                found.append(f"the {member.role} grew by {grown >> 20} MiB")
        return found

    def grown_bytes(self, member: processes.Member) -> int:
        """Memory that a process took since it was first asked about."""
        process = member.process()
        held = int(process.memory_info().rss) if process else 0
        return held - self._first_bytes.setdefault(member.role, held)

    def stored(self) -> dict[str, str]:
        """A digest of everything in each lasting survey, as the services report it."""
        return {survey_id: self._digest(survey_id) for survey_id in KEPT}

    def work(self) -> None:
        """A survey from its cameras to answers and back, which must work whatever came before."""
        survey = self.spotted.survey("fuzz-job")
        self._create(survey.survey_id)
        lists = list(survey.candidates(top_k=5))
        assert len(lists) == len(DETECTIONS), "every detection has candidates"  # noqa: S101 - what it is for
        session = survey.create_session("job", strategy="greedy")
        asked = session.next_pairs("anna", count=3).pairs
        labels = [
            Label(pair.first.detection_id, pair.second.detection_id, Answer.SAME, "anna") for pair in asked
        ]
        session.submit_labels(labels)
        same = session.progress().same
        assert same == len(labels) > 0, "every answer is known"  # noqa: S101 - what it is for
        survey.delete()

    def _start(self) -> None:
        environment = {"SPOTTED_MODELS": str(self._models), "SPOTTED_WORKERS": "1"}
        self.run = processes.up(self.directory, port=0, environment=environment)
        self.spotted = Spotted.local(self.directory)
        self._first_bytes.clear()

    def _keep(self, survey_id: str) -> None:
        try:
            survey = self.spotted.survey(survey_id).info()
        except NotFoundError:
            self._create(survey_id)
        else:
            if survey.detection_count < FEW or survey.embedding != embedding_spec(SPEC):
                self.spotted.survey(survey_id).delete()
                self._create(survey_id)
        if survey_id in SURVEYS:
            self._keep_sessions(survey_id)

    def _keep_sessions(self, survey_id: str) -> None:
        ids = (*SESSIONS, DOOMED_SESSION)
        for session_id in ids:
            try:
                self.spotted.survey(survey_id).session(session_id).info()
            except NotFoundError:
                session = self.spotted.survey(survey_id).create_session(session_id, strategy="greedy")
                session.next_pairs(ANNOTATORS[0])

    def _create(self, survey_id: str) -> None:
        rng = np.random.default_rng(0)
        cameras = {c: Camera(c, x_m=2000.0 * n, y_m=0.0) for n, c in enumerate(CAMERAS)}
        survey = self.spotted.create_survey(Survey(survey_id, START_S, END_S, cameras=cameras))
        kept = DETECTIONS[:FEW] if survey_id == SMALL else DETECTIONS
        detections = [Detection(d, CAMERAS[n % 4], n * 5000.0) for n, d in enumerate(kept)]
        vectors = rng.normal(size=(len(kept), DIMENSION)).astype(np.float32)
        survey.add_detections(detections, vectors, embedding_spec(SPEC))

    def _digest(self, survey_id: str) -> str:
        digest = hashlib.sha256()
        for part in self._parts(survey_id):
            digest.update(part)
        return digest.hexdigest()

    def _parts(self, survey_id: str) -> Iterator[bytes]:
        survey = self.spotted.survey(survey_id)
        yield repr(survey.info()).encode()
        yield repr(list(survey.cameras())).encode()
        detections, vectors = survey.detections_with_embeddings(base=True)
        yield repr(detections).encode() + vectors.tobytes()
        for candidates in survey.candidates(top_k=5):
            yield repr(candidates).encode()
        for session_id in (*SESSIONS, DOOMED_SESSION) if survey_id in SURVEYS else ():
            session = survey.session(session_id)
            # first, since a session takes in changes of its survey when it is next used
            for individual in session.individuals():
                yield repr(individual).encode()
            for event in session.events():
                yield event.content

    def _traces(self) -> Iterator[str]:
        for log in sorted(self.directory.glob("*.log")):
            text = log.read_text(errors="replace")
            news = text[self._read.get(log.name, 0) :]
            self._read[log.name] = len(text)
            at = news.find("Traceback")
            if at >= 0:
                yield f"{log.name} has a trace: {news[max(0, at - 200) : at + 3000]}"
