"""Simulated annotators: each asks, thinks and answers, and writes as often to the bare store."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import redis
from grpc_health.v1 import health_pb2, health_pb2_grpc

from spotted.client.calls import open_channel
from spotted.v1 import sampler_pb2 as pb
from spotted.v1.sampler_pb2_grpc import SamplerServiceStub

# about as long as the event of one answer
WRITTEN = bytes(120)
BARE = "benchmark:bare"
CALL_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class Place:
    """A session, the address of its sampler and the URL of its store."""

    survey_id: str
    session_id: str
    sampler: str
    store_url: str


@dataclass(slots=True)
class Taken:
    """Seconds of each call and of each bare write. unasked: calls of NextPairs that brought no question.

    empty: calls that do nothing, which show how long the machine itself makes a call wait.
    """

    next_pairs: list[float] = field(default_factory=list)
    submit_labels: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    empty: list[float] = field(default_factory=list)
    unasked: int = 0

    def add(self, other: Taken) -> None:
        """Add the figures of another annotator."""
        self.next_pairs += other.next_pairs
        self.submit_labels += other.submit_labels
        self.bare += other.bare
        self.empty += other.empty
        self.unasked += other.unasked


class Annotator:
    """An annotator who knows the animal of every detection and has separate connections."""

    def __init__(self, place: Place, annotator_id: str, animal_of: Mapping[str, int]) -> None:
        self._place, self._annotator_id, self._animal_of = place, annotator_id, animal_of
        self._channel = open_channel(place.sampler)
        self._stub = SamplerServiceStub(self._channel)
        self._check = health_pb2_grpc.HealthStub(self._channel).Check  # type: ignore[attr-defined] # not in the stubs
        self._store = redis.Redis.from_url(place.store_url)
        self.taken = Taken()

    def work(self, until_s: float, think_s: float) -> Taken:
        """Answer one question at least and others until this time, about `think_s` of thought over each.

        Half of it passes before each of two writes, the answer and the bare one, in an order by chance. An
        empty call comes with the bare write.
        """
        chance = random.Random(self._annotator_id)
        time.sleep(chance.uniform(0.0, think_s))
        while True:
            pair = self.asked()
            writes: list[Callable[[], None]] = [self._write, partial(self._answer, pair)]
            chance.shuffle(writes)
            for write in writes:
                time.sleep(think_s * chance.uniform(0.25, 0.75))
                write()
            if time.perf_counter() >= until_s:
                return self.taken

    def asked(self) -> pb.PairQuery | None:
        """The next question, None if all are leased to others."""
        request = pb.NextPairsRequest(
            survey_id=self._place.survey_id,
            session_id=self._place.session_id,
            annotator_id=self._annotator_id,
        )
        started_s = time.perf_counter()
        answer = self._stub.NextPairs(request, timeout=CALL_TIMEOUT_S)
        self.taken.next_pairs.append(time.perf_counter() - started_s)
        self.taken.unasked += not answer.pairs
        return answer.pairs[0] if answer.pairs else None

    def close(self) -> None:
        """Close the connections."""
        self._channel.close()
        self._store.close()

    def _answer(self, pair: pb.PairQuery | None) -> None:
        if pair is None:
            return
        first, second = pair.first.detection_id, pair.second.detection_id
        same = self._animal_of[first] == self._animal_of[second]
        label = pb.Label(
            first_detection_id=first,
            second_detection_id=second,
            answer=pb.ANSWER_SAME if same else pb.ANSWER_DIFFERENT,
            annotator_id=self._annotator_id,
        )
        request = pb.SubmitLabelsRequest(
            survey_id=self._place.survey_id, session_id=self._place.session_id, labels=[label]
        )
        started_s = time.perf_counter()
        self._stub.SubmitLabels(request, timeout=CALL_TIMEOUT_S)
        self.taken.submit_labels.append(time.perf_counter() - started_s)

    def _write(self) -> None:
        started_s = time.perf_counter()
        self._store.rpush(BARE, WRITTEN)
        self.taken.bare.append(time.perf_counter() - started_s)
        started_s = time.perf_counter()
        self._check(health_pb2.HealthCheckRequest(), timeout=CALL_TIMEOUT_S)
        self.taken.empty.append(time.perf_counter() - started_s)


def answered(
    place: Place, animal_of: Mapping[str, int], *, annotators: int, seconds: float, think_s: float
) -> tuple[float, Taken]:
    """Seconds to the first question, and the waits of the annotators after it."""
    people = [Annotator(place, f"annotator-{number}", animal_of) for number in range(annotators)]
    people[0].asked()
    first_s = people[0].taken.next_pairs.pop()
    for one in people:
        # connections are opened before it counts
        one.asked()
        one.taken.next_pairs.clear()
    until_s = time.perf_counter() + seconds
    together = Taken()
    with ThreadPoolExecutor(annotators) as threads:
        for taken in threads.map(lambda one: one.work(until_s, think_s), people):
            together.add(taken)
    for one in people:
        one.close()
    return first_s, together
