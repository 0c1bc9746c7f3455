"""A store and a sampler that are killed and started again, the sampler over a small planted survey."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import socket
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self

import grpc
import numpy as np

from services.common import process
from services.common.access.guard import Guard
from services.common.server import serve
from services.common.settings import Settings
from services.common.store.journal import Change, Journal
from services.common.store.store import Store
from services.common.survey.existence import Existence
from services.sampler.__main__ import service
from services.sampler.questions.detection_facts import DetectionFacts
from services.sampler.questions.next_questions import NextQuestions
from services.sampler.questions.planner import Planner
from services.sampler.session.leases import Leases
from services.sampler.session.sessions import Sessions
from services.sampler.survey_values import CandidateColumns, SurveyChanges, SurveyFacts, SurveyScores, Version
from spotted.local import processes
from spotted.scoring.similarity import unit_rows
from spotted.survey import Camera, Detection
from spotted.v1 import store_pb2, survey_pb2
from spotted.v1.sampler_pb2_grpc import SamplerServiceStub
from spotted.v1.scorer_pb2 import CandidateFilter

SURVEY = "kills"
ANIMALS, EACH = 8, 4
CAMERAS = {"c": Camera("c", 0.0, 0.0), "d": Camera("d", 3000.0, 4000.0)}
# frames of one animal follow each other at one camera, so that there are bursts
DETECTIONS = {
    f"d{n:02}": Detection(f"d{n:02}", "cd"[n % 2], 3600.0 * (n % ANIMALS) + 20.0 * (n // ANIMALS))
    for n in range(ANIMALS * EACH)
}
ANIMAL_OF = {detection_id: n % ANIMALS for n, detection_id in enumerate(DETECTIONS)}
DEADLINE_S = 60.0
POLL_S = 0.003
# a sampler that starts is tried again at once
CHANNEL_OPTIONS = [
    (f"grpc.{which}_reconnect_backoff_ms", wait_ms)
    for which, wait_ms in (("initial", 10), ("min", 10), ("max", 50))
] + [("grpc.use_local_subchannel_pool", 1)]


UID = "planted"


class PlantedScorer:
    """Scores of planted animals, alike within one; the survey's journal says which detections are deleted."""

    def __init__(self, store: Store) -> None:
        self._journal = Journal(store, SURVEY)

    def version(self, _: str) -> tuple[Version, int]:
        """The length of the journal."""
        changed = self._changed()
        deleted = sum(not stored for _, stored in changed.values())
        return Version(UID, self._journal.length()), len(DETECTIONS) - deleted

    def facts(self, survey_id: str) -> SurveyFacts:
        """The planted survey without what was deleted."""
        return SurveyFacts(self.version(survey_id)[0], self._stored(), CAMERAS)

    def changes(self, survey_id: str, since: Version) -> SurveyChanges:
        """The detections that were deleted or added again."""
        version, changed = self.version(survey_id)[0], self._changed()
        return SurveyChanges(version, {i: kept for i, (at, kept) in changed.items() if at > since.revision})

    def read(
        self,
        survey_id: str,
        top_k: int,
        *,
        with_embeddings: bool,
        only: CandidateFilter | None = None,  # noqa: ARG002 - its sessions have no filter
    ) -> SurveyScores:
        """The planted survey with its scores."""
        version, stored = self.version(survey_id)[0], self._stored()
        rng = np.random.default_rng(0)
        animals = rng.normal(size=(ANIMALS, 16))[list(ANIMAL_OF.values())]
        vectors = unit_rows(animals + rng.normal(scale=0.7, size=animals.shape))
        vectors = vectors[[n for n, i in enumerate(DETECTIONS) if i in stored]]
        cosines = vectors @ vectors.T
        np.fill_diagonal(cosines, -2.0)
        nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :top_k].astype(np.int32)
        rows = np.repeat(np.arange(len(stored), dtype=np.int32), nearest.shape[1])
        visual = cosines[rows, nearest.ravel()].astype(np.float32)
        fused = ((visual + 1.0) / 2.0).astype(np.float32)
        columns = CandidateColumns(rows, nearest.ravel(), visual, np.ones_like(visual), fused)
        embeddings = vectors.astype(np.float32) if with_embeddings else None
        return SurveyScores(version, top_k, stored, CAMERAS, columns, embeddings)

    def _stored(self) -> dict[str, Detection]:
        changed = self._changed()
        return {i: one for i, one in DETECTIONS.items() if changed.get(i, (0, True))[1]}

    def _changed(self) -> dict[str, tuple[int, bool]]:
        """The position of the last change of each detection, and whether it is stored since."""
        changed: dict[str, tuple[int, bool]] = {}
        for position, entry in enumerate(self._journal.read(0), start=1):
            event = store_pb2.SurveyEvent.FromString(entry)
            changed |= dict.fromkeys(event.deleted.detection_ids, (position, False))
            changed |= dict.fromkeys(
                (one.detection_id for one in event.detections.detections), (position, True)
            )
        return changed


def serve_sampler(listen: str, store_url: str) -> None:
    """The sampler's process: the service as it is deployed, but for scores and plans made in it."""
    # what it says of calls that fail under it is no news here
    logging.getLogger("spotted").addHandler(logging.NullHandler())
    store = Store(store_url)
    scorer = PlantedScorer(store)
    sessions = Sessions(store, scorer, now=process.now)
    asking = NextQuestions(sessions, Planner(sessions, scorer), Leases(store), DetectionFacts(scorer))
    settings = Settings(listen=listen, store_url=store_url)
    asyncio.run(
        serve(
            settings,
            [service(sessions, asking)],
            guard=Guard(None),
            open_store=store.open,
            close=store.close,
        )
    )


class Processes:
    """The two processes, and what a client has of them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._store_port, self._port = processes.free_port(), processes.free_port()
        self._address = f"{processes.LOOPBACK}:{self._port}"
        # forks a process that has read all modules, which takes a hundredth of the time of a fresh one
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([__name__])

    def __enter__(self) -> Self:
        self.start_store()
        self.store = Store(f"redis://{processes.LOOPBACK}:{self._store_port}/0")
        self.store.open()
        # sessions exist only in a survey that does; its scores are planted
        survey = store_pb2.SurveyEvent(survey=survey_pb2.Survey(survey_id=SURVEY))
        Existence(self.store).create_survey(SURVEY, survey.SerializeToString(), b"", "")
        self.start_sampler()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill_sampler()
        self.store.close()
        self.kill_store()

    def start_store(self) -> None:
        """Start the store on what it left on disk; returns once it can be connected to."""
        self._store_member = processes.start_store(self._directory, self._store_port)
        _wait_for(self._store_port)

    def kill_store(self) -> None:
        """SIGKILL."""
        member = self._store_member.process()
        if member is not None:
            member.kill()
            member.wait()

    def start_sampler(self) -> None:
        """Start a sampler that knows nothing; returns once it can be connected to."""
        arguments = (self._address, f"redis://{processes.LOOPBACK}:{self._store_port}/0")
        self._sampler = self._context.Process(target=serve_sampler, args=arguments, daemon=True)
        self._sampler.start()
        _wait_for(self._port)
        self._channel = grpc.insecure_channel(self._address, CHANNEL_OPTIONS)
        self.stub = SamplerServiceStub(self._channel)

    def change_survey(self, detection_id: str, *, stored: bool) -> None:
        """Delete a detection of the survey, or add it again."""
        journal, request_id = Journal(self.store, SURVEY), uuid.uuid4().hex
        event = store_pb2.SurveyEvent()
        if stored:
            event.detections.detections.add(detection_id=detection_id)
        else:
            event.deleted.detection_ids.append(detection_id)
        change = Change(event.SerializeToString(), b"")
        journal.append(change, expected=journal.length(), scope="Test", request_id=request_id)

    def kill_sampler(self) -> None:
        """SIGKILL."""
        self._sampler.kill()
        self._sampler.join()

    def hang_up(self) -> None:
        """End the channel to a sampler that is gone; its calls must have ended."""
        self._channel.close()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while True:
        with socket.socket() as probe:
            if probe.connect_ex((processes.LOOPBACK, port)) == 0:
                return
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing listens on port {port} after {DEADLINE_S:.0f} s")
        time.sleep(POLL_S)
