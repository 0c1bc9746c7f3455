"""SIGKILL of the scorer in the middle of a large import, and of its resumption: nothing lost or doubled."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from services.common.store import keys
from services.common.store.store import Store
from spotted.client import EmbeddingSpec, Spotted
from spotted.errors import UnavailableError
from spotted.local import processes
from spotted.scoring.similarity import unit_rows
from spotted.survey import Camera, Detection, Survey
from tests.services import forked
from tests.waiting import until

SURVEY = "large"
COUNT, DIMENSION = 20_000, 16
# detections of one stream, some 10 messages; streams at once
STREAM, WRITERS = 1_000, 4
# messages that are in the store when the scorer is killed: 2 in 5 of all, then 4 in 5
KILLED_AT = (80, 160)
SPEC = EmbeddingSpec(backbone_digest="b", preprocessing_digest="p", dimension=DIMENSION)
CAMERAS = {f"c{i}": Camera(f"c{i}", x_m=1000.0 * i, y_m=0.0) for i in range(5)}
DETECTIONS = [Detection(f"d{i:05}", f"c{i % 5}", float(i), individual_id=f"a{i % 700}") for i in range(COUNT)]
VECTORS = np.random.default_rng(0).normal(size=(COUNT, DIMENSION)).astype(np.float32)


class Scorer:
    """A store and a scorer, which may be killed and started again."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._port = processes.free_port()
        self.store = self._answering(processes.start_store(directory, processes.free_port()))
        self.member = self.up()

    @property
    def store_url(self) -> str:
        return f"redis://{self.store.address}/0"

    def up(self) -> processes.Member:
        """Start the scorer at the address that it had."""
        started = forked.start_service("scorer", self._directory, self._port, self.store_url)
        self.member = self._answering(started)
        return self.member

    def kill(self) -> None:
        end(self.member)

    def _answering(self, member: processes.Member) -> processes.Member:
        processes.wait(member, self._directory / f"{member.role}.log")
        return member


def end(member: processes.Member) -> None:
    process = member.process()
    if process is not None:
        process.kill()
        process.wait()


@pytest.fixture
def scorer(tmp_path: Path) -> Iterator[Scorer]:
    started = Scorer(tmp_path)
    yield started
    end(started.member)
    end(started.store)


def client(scorer: Scorer) -> Spotted:
    address = scorer.member.address
    return Spotted(embedder=address, scorer=address, sampler=address)


def import_until_killed(scorer: Scorer, streams: Sequence[range], messages: int) -> set[str]:
    """Send streams, several at once, until this many messages are stored; the ids that were acknowledged."""
    killed = threading.Event()

    def send(spotted: Spotted, rows: range) -> set[str]:
        if killed.is_set():
            return set()
        part = slice(rows.start, rows.stop)
        try:
            answer = spotted.survey(SURVEY).add_detections(DETECTIONS[part], VECTORS[part], SPEC)
        except UnavailableError:
            return set()
        assert (answer.added + answer.unchanged, len(answer.rejected)) == (len(rows), 0)
        return {d.detection_id for d in DETECTIONS[part]}

    with client(scorer) as spotted, ThreadPoolExecutor(WRITERS) as writers:
        sent = [writers.submit(send, spotted, rows) for rows in streams]
        wait_for_messages(scorer, messages)
        scorer.kill()
        killed.set()
        acknowledged = [one.result() for one in sent]
    # some streams were through, others were not
    assert any(acknowledged)
    assert not all(acknowledged)
    return set().union(*acknowledged)


def wait_for_messages(scorer: Scorer, messages: int) -> None:
    store = Store(scorer.store_url)
    store.open()
    journal = keys.survey_journal(SURVEY)
    until(lambda: store.length(journal) >= messages, f"{messages} messages are stored")
    store.close()


@pytest.mark.slow
def test_a_scorer_killed_during_a_large_import_keeps_each_acknowledged_detection_once(scorer: Scorer) -> None:
    streams = [range(start, start + STREAM) for start in range(0, COUNT, STREAM)]
    with client(scorer) as spotted:
        spotted.create_survey(Survey(SURVEY, 0.0, float(COUNT), cameras=CAMERAS))
    acknowledged: set[str] = set()
    for messages in KILLED_AT:
        acknowledged |= import_until_killed(scorer, streams, messages)
        scorer.up()
        with client(scorer) as spotted:
            kept = [d.detection_id for d in spotted.survey(SURVEY).detections()]
        assert len(kept) == len(set(kept)) < COUNT
        assert acknowledged <= set(kept)
    with client(scorer) as spotted:
        answer = spotted.survey(SURVEY).add_detections(DETECTIONS, VECTORS, SPEC)
        assert (answer.added, answer.unchanged) == (COUNT - len(kept), len(kept))
        assert spotted.survey(SURVEY).info().detection_count == COUNT
        detections, embeddings = spotted.survey(SURVEY).detections_with_embeddings()
    assert len(detections) == COUNT
    assert {d.detection_id: d for d in detections} == {d.detection_id: d for d in DETECTIONS}
    sent = unit_rows(VECTORS).astype(np.float16)
    rows = [int(d.detection_id[1:]) for d in detections]
    np.testing.assert_array_equal(embeddings.astype(np.float16), sent[rows])
