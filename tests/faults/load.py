"""Clients that write continuously, and the checks of everything that must be stored afterwards."""

from __future__ import annotations

import itertools
import re
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import grpc
import numpy as np

from spotted import messages
from spotted.arrays import Float32Array
from spotted.client import Spotted
from spotted.client.calls import our_errors
from spotted.errors import (
    ConcurrencyError,
    DeadlineError,
    OverloadedError,
    SpottedError,
    UnavailableError,
)
from spotted.survey import Camera, Detection, Survey
from spotted.v1 import sampler_pb2, scorer_pb2, survey_pb2
from tests.faults.deployment import Service
from tests.waiting import PATIENCE_S, until

SPEC = survey_pb2.EmbeddingSpec(backbone_digest="b", preprocessing_digest="p", dimension=16)
CAMERAS = {f"c{i}": Camera(f"c{i}", x_m=1000.0 * i, y_m=0.0) for i in range(4)}
# detections of the session's pairs, all known to it from its first round on
PAIRED, ANIMALS = 24, 6
IN_A_CALL = 3
SESSION = "main"
# longer than five attempts that each wait a second for the store, on a machine that is busy
CALL_S = 60.0
# the only errors that a client may get while something fails; never INTERNAL
PASSING = (UnavailableError, DeadlineError, ConcurrencyError, OverloadedError)
REMEDIES = (
    "start",
    "repeat",
    "ask again",
    "wait",
    "correct",
    "make room",
    "allow more",
    "come back",
    "try again",
)

AnswerT = TypeVar("AnswerT")


class Load:
    """Writers on one survey and one session, through the same client as everyone's.

    errors: errors of calls, in order; each call was repeated until it was answered.
    """

    def __init__(self, scorer: str, sampler: str, *, paired: int = PAIRED) -> None:
        """Begin. paired: detections whose pairs are answered."""
        self.survey_id = f"survey-{uuid.uuid4().hex[:8]}"
        self.client = Spotted(embedder=scorer, scorer=scorer, sampler=sampler, timeout_s=CALL_S)
        self.errors: list[SpottedError] = []
        self.slowest_s = 0.0
        self.scorer_address = scorer
        self._sampler = sampler
        self._paired = paired
        self._detections: set[str] = set()
        self._labels: dict[str, tuple[str, str]] = {}
        self._lock = threading.Lock()
        self._ids = itertools.count(paired)
        self._stopped = threading.Event()
        self._failures: list[BaseException] = []

    def close(self) -> None:
        """End the channels."""
        self.client.close()

    def begin(self) -> None:
        """A survey, and a session that knows its first detections."""
        survey = Survey(self.survey_id, 0.0, 1e9, cameras=CAMERAS)
        self.client.create_survey(survey)
        self.add(range(self._paired))
        request = f"create-{uuid.uuid4().hex}"
        session = sampler_pb2.Session(survey_id=self.survey_id, session_id=SESSION, seed=1)
        session.strategy.strategy_id = "greedy"
        create = sampler_pb2.CreateSessionRequest(session=session, request_id=request)
        self.sent(lambda: self.client.connection.sampler.stub.CreateSession(create, timeout=CALL_S))
        self.sent(self.ask)

    def ask(self) -> sampler_pb2.NextPairsResponse:
        """The next question for an annotator, which plans the first round."""
        request = sampler_pb2.NextPairsRequest(
            survey_id=self.survey_id, session_id=SESSION, annotator_id=uuid.uuid4().hex, count=1
        )
        return self.client.connection.sampler.stub.NextPairs(request, timeout=PATIENCE_S)

    def add(self, rows: Sequence[int]) -> None:
        """Add detections, until they are acknowledged."""
        detections = [detection_of(row) for row in rows]
        request = scorer_pb2.AddDetectionsRequest(
            survey_id=self.survey_id,
            spec=SPEC,
            detections=[messages.detection_message(d) for d in detections],
            embeddings=messages.tensor(vectors_of(rows)),
        )
        # the client allows an hour, since an import may be of any length
        answer = self.sent(
            lambda: self.client.connection.scorer.stub.AddDetections(iter([request]), timeout=CALL_S),
            self.scorer_address,
        )
        assert answer.added + answer.unchanged == len(rows)
        with self._lock:
            self._detections |= {d.detection_id for d in detections}

    def label(self, first: int, second: int) -> None:
        """Answer one pair, until it is acknowledged; always under one request id."""
        same = first % ANIMALS == second % ANIMALS
        request = sampler_pb2.SubmitLabelsRequest(
            survey_id=self.survey_id, session_id=SESSION, request_id=uuid.uuid4().hex
        )
        request.labels.add(
            first_detection_id=_id(first),
            second_detection_id=_id(second),
            answer=sampler_pb2.ANSWER_SAME if same else sampler_pb2.ANSWER_DIFFERENT,
            annotator_id="anna",
        )
        answer = self.sent(lambda: self.client.connection.sampler.stub.SubmitLabels(request, timeout=CALL_S))
        label = answer.outcomes[0].label
        with self._lock:
            assert label.label_id not in self._labels
            self._labels[label.label_id] = (label.first_detection_id, label.second_detection_id)

    @contextmanager
    def running(self, *others: Callable[[], None]) -> Iterator[None]:
        """Write during the context; at its end all calls are answered.

        others: done again and again meanwhile, each by a further thread.
        """
        pairs = iter(list(itertools.combinations(range(self._paired), 2)))
        add, label = self._add_next, lambda: self._label_next(pairs)
        works = (add, add, label, label, *others)
        self._stopped.clear()
        with ThreadPoolExecutor(len(works)) as threads:
            done: list[Future[None]] = [threads.submit(self._repeat, work) for work in works]
            try:
                yield
            finally:
                self._stopped.set()
            for each in done:
                each.result(2 * PATIENCE_S)

    def written(self) -> int:
        """Writes acknowledged so far."""
        with self._lock:
            return len(self._detections) + len(self._labels)

    def done(self) -> Counter[str]:
        """Detections and labels acknowledged so far."""
        with self._lock:
            return Counter(detections=len(self._detections), labels=len(self._labels))

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for a condition; raises the error of a writer that has ended with one."""

        def seen() -> bool:
            if self._failures:
                raise self._failures[0]
            return condition()

        until(seen, what)

    def until_written(self, more: int) -> None:
        """Wait until a number of further writes is acknowledged."""
        goal = self.written() + more
        self.until(lambda: self.written() >= goal, f"{more} more writes; errors of calls: {self.errors[-3:]}")

    def until_errors(self, words: str, more: int = 2) -> None:
        """Wait until a number of further calls has failed; check that each error matches `words`."""
        before = len(self.errors)
        self.until(lambda: len(self.errors) >= before + more, "a call meets the fault")
        for error in self.errors[before:]:
            assert re.search(words, str(error)), error

    def check(self) -> None:
        """Everything acknowledged is stored once, and every error named a remedy."""
        kept = Counter(d.detection_id for d in self.client.survey(self.survey_id).detections())
        assert set(kept) == self._detections
        assert set(kept.values()) == {1}
        assert self.client.survey(self.survey_id).info().detection_count == len(kept)
        labels = self.client.survey(self.survey_id).session(SESSION).labels()
        assert {label.label_id for label in labels} == set(self._labels)
        pairs = [(label.first_detection_id, label.second_detection_id) for label in labels]
        assert sorted(pairs) == sorted(self._labels.values())
        assert len(set(pairs)) == len(pairs)
        for error in self.errors:
            check_passing(error)

    def sent(
        self,
        call: Callable[[], AnswerT],
        address: str = "",
        *,
        refusals: tuple[type[SpottedError], ...] = (),
    ) -> AnswerT:
        """Repeat a call while its error is temporary.

        address: the sampler's by default. refusals: errors that the caller of this expects.
        """
        ends_s = time.monotonic() + PATIENCE_S
        while True:
            begun_s = time.monotonic()
            try:
                with our_errors(address or self._sampler):
                    return call()
            except refusals:
                raise
            except SpottedError as error:
                with self._lock:
                    self.errors.append(error)
                if not isinstance(error, PASSING) or time.monotonic() > ends_s:
                    raise
            finally:
                self.slowest_s = max(self.slowest_s, time.monotonic() - begun_s)

    def _repeat(self, work: Callable[[], None]) -> None:
        try:
            while not self._stopped.is_set():
                work()
        except BaseException as error:
            self._failures.append(error)
            raise

    def _add_next(self) -> None:
        self.add([next(self._ids) for _ in range(IN_A_CALL)])

    def _label_next(self, pairs: Iterator[tuple[int, int]]) -> None:
        with self._lock:
            pair = next(pairs, None)
        if pair is None:
            self._stopped.wait()
        else:
            self.label(*pair)


def check_passing(error: SpottedError) -> None:
    """Check that an error may pass: it has a reason, is not INTERNAL, and names a remedy."""
    assert isinstance(error, PASSING), f"{type(error).__name__}: {error}"
    cause = error.__cause__
    assert not isinstance(cause, grpc.Call) or cause.code() is not grpc.StatusCode.INTERNAL
    assert any(remedy in str(error) for remedy in REMEDIES), str(error)


def no_traces(*services: Service) -> bool:
    """Whether no service logged a failure that it did not expect."""
    return not any("Traceback" in service.log for service in services)


def _id(row: int) -> str:
    return f"d{row:06}"


def detection_of(row: int) -> Detection:
    """The detection of a number."""
    return Detection(_id(row), f"c{row % 4}", 60.0 * row)


def vectors_of(rows: Sequence[int]) -> Float32Array:
    """The vectors that these detections are added with."""
    return np.random.default_rng(list(rows)).normal(size=(len(rows), 16)).astype(np.float32)
