"""A platform that keeps its own copy of the individuals, from the stream of changes and nothing else.

It names, merges, splits and moves them, and undoes that, while two annotators answer, while detections are
deleted and added again, and while sampler and store are killed. In the end both sides have the same
individuals.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from spotted.client.individuals.messages import individual_values, watched_changes
from spotted.client.values import Individual, WatchedChange
from spotted.v1 import individuals_pb2 as ind
from spotted.v1 import sampler_pb2 as pb
from tests.waiting import PATIENCE_S, until
from tools.killed_processes import DETECTIONS, SURVEY, Processes

pytestmark = pytest.mark.slow
OPERATIONS = 200
# one operation in so many meets a killed process
SAMPLER_KILLS, STORE_KILLS, WATCHER_RESTARTS = 12, 45, 30
# before one operation in so many, the survey loses a detection or gets one back
SURVEY_CHANGES = 7
# what a request may be answered if others were faster, or if it asks for nothing new
REFUSED = {
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.INVALID_ARGUMENT,
}


class Copy:
    """The platform's individuals; `cursor` is what it stored with them."""

    def __init__(self) -> None:
        self.individuals: dict[str, Individual] = {}
        self.cursor = ""
        self.position = 0
        self._lock = threading.Lock()

    def apply(self, change: WatchedChange) -> None:
        """Take in one change as a whole."""
        with self._lock:
            if change.reset:
                self.individuals.clear()
            for ended in change.ended:
                self.individuals.pop(ended, None)
            self.individuals |= {one.individual_id: one for one in change.individuals}
            self.cursor, self.position = change.cursor, change.position

    def now(self) -> list[Individual]:
        """All individuals, by id."""
        with self._lock:
            return [self.individuals[i] for i in sorted(self.individuals)]


class Watcher:
    """Follows the stream into a copy; reconnects whenever the stream ends."""

    def __init__(self, processes: Processes, session_id: str, copy: Copy) -> None:
        self._processes, self._session_id, self._copy = processes, session_id, copy
        self._stopped = threading.Event()
        self._call: Any = None
        self._thread = threading.Thread(target=self._follow)
        self._thread.start()

    def stop(self) -> None:
        """Stop; the copy stays as it is."""
        self._stopped.set()
        if self._call is not None:
            self._call.cancel()
        self._thread.join()

    def _follow(self) -> None:
        while not self._stopped.is_set():
            request = ind.WatchIndividualsRequest(
                survey_id=SURVEY, session_id=self._session_id, cursor=self._copy.cursor
            )
            # a channel that was hung up raises ValueError
            with suppress(grpc.RpcError, ValueError):
                self._call = self._processes.stub.WatchIndividuals(request, timeout=PATIENCE_S)
                for change in watched_changes(self._call):
                    self._copy.apply(change)
            self._stopped.wait(0.02)


class Platform:
    """Requests of the platform and the annotators, in an order drawn from a seed."""

    def __init__(self, processes: Processes, session_id: str, copy: Copy, seed: int) -> None:
        self._processes, self._session_id, self._copy = processes, session_id, copy
        self._rng = np.random.default_rng(seed)
        self.changes: list[int] = []
        self.names: dict[int, str] = {}
        self.deleted: set[str] = set()
        self.done = 0

    def step(self, number: int) -> None:
        """One operation, answered in spite of a kill."""
        if number % SURVEY_CHANGES == 0:
            self._change_survey()
        rpc, request = self._drawn(number)
        meets = number % SAMPLER_KILLS == 0, number % STORE_KILLS == 0
        answer = self._answered(rpc, request, *meets)
        if answer is None:
            return
        self.done += 1
        if rpc == "UndoChange":
            self.changes.remove(request.position)
            self.names.pop(request.position, None)
        elif hasattr(answer, "result"):
            self.changes.append(answer.result.position)
            if rpc == "UpdateIndividual":
                self.names[answer.result.position] = request.individual.display_name
        # the same request once more gets the same answer
        again = self._answered(rpc, request)
        assert again is not None
        assert getattr(again, "result", ind.ChangeResult()).position == (
            getattr(answer, "result", ind.ChangeResult()).position
        )

    def _change_survey(self) -> None:
        """Delete a detection, or add one again."""
        detection_id = str(self._rng.choice(list(DETECTIONS)))
        self._processes.change_survey(detection_id, stored=detection_id in self.deleted)
        self.deleted ^= {detection_id}

    def _drawn(self, number: int) -> tuple[str, Any]:
        who: dict[str, Any] = {
            "survey_id": SURVEY,
            "session_id": self._session_id,
            "request_id": uuid.uuid4().hex,
        }
        known = self._copy.now()
        one, other = (known[int(n)] for n in self._rng.choice(len(known), 2, replace=len(known) < 2))
        kind = self._rng.choice(
            ["name", "merge", "split", "move", "undo", "label"], p=[0.15, 0.2, 0.15, 0.1, 0.15, 0.25]
        )
        about = {**who, "annotator_id": "platform", "individual_id": one.individual_id}
        if kind == "name":
            named = ind.Individual(individual_id=one.individual_id, display_name=f"name {number}")
            return "UpdateIndividual", ind.UpdateIndividualRequest(
                **who,
                annotator_id="platform",
                individual=named,
            )
        if kind == "merge":
            return "MergeIndividuals", ind.MergeIndividualsRequest(
                **about,
                merged_individual_ids=[other.individual_id],
            )
        if kind == "split":
            leaving = one.detection_ids[: max(1, len(one.detection_ids) // 2)]
            return "SplitIndividual", ind.SplitIndividualRequest(**about, detection_ids=leaving)
        if kind == "move":
            return "MoveDetections", ind.MoveDetectionsRequest(**about, detection_ids=other.detection_ids[:1])
        if kind == "undo" and self.changes:
            position = int(self._rng.choice(self.changes[-4:]))
            return "UndoChange", ind.UndoChangeRequest(**who, annotator_id="platform", position=position)
        return "SubmitLabels", pb.SubmitLabelsRequest(**who, labels=[self._label()])

    def _label(self) -> pb.Label:
        first, second = self._rng.choice(list(DETECTIONS), 2, replace=False)
        said = pb.ANSWER_SAME if self._rng.random() < 0.6 else pb.ANSWER_DIFFERENT
        return pb.Label(
            first_detection_id=str(first),
            second_detection_id=str(second),
            answer=said,
            annotator_id=str(self._rng.choice(["anna", "ben"])),
        )

    def _answered(self, rpc: str, request: Any, kill_sampler: bool = False, kill_store: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - of any rpc; what the request meets
        """The answer, asked for again until there is one; None if the request was refused."""
        future = getattr(self._processes.stub, rpc).future(request, timeout=PATIENCE_S)
        if kill_sampler:
            self._processes.kill_sampler()
            with suppress(grpc.RpcError):
                future.result()
            self._processes.hang_up()
            if kill_store:
                self._processes.kill_store()
                self._processes.start_store()
            self._processes.start_sampler()
        elif (outcome := _outcome(future)) is not False:
            return outcome
        answers: list[Any] = []

        def is_answered() -> bool:
            outcome = _outcome(getattr(self._processes.stub, rpc).future(request, timeout=PATIENCE_S))
            answers[:] = [outcome]
            return outcome is not False

        until(is_answered, f"{rpc} is answered")
        return answers[0]


def _outcome(future: Any) -> Any:  # noqa: ANN401 - of any rpc
    """The answer, None if the request was refused, False if it was not answered."""
    error = future.exception()
    if error is None:
        return future.result()
    if error.code() in REFUSED:
        return None
    assert error.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}, error
    return False


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    with Processes(tmp_path) as started:
        yield started


@pytest.mark.parametrize("trust", [pb.TRUST_SINGLE, pb.TRUST_VERIFIED])
def test_a_platform_and_the_session_have_equal_individuals_after_200_operations_and_kills(
    processes: Processes, trust: pb.Trust.ValueType
) -> None:
    session = pb.Session(survey_id=SURVEY, session_id="watched", trust=trust)
    processes.stub.CreateSession(pb.CreateSessionRequest(session=session), timeout=PATIENCE_S)
    asked = pb.NextPairsRequest(survey_id=SURVEY, session_id="watched", annotator_id="anna")
    processes.stub.NextPairs(asked, timeout=PATIENCE_S)
    copy = Copy()
    watcher = Watcher(processes, "watched", copy)
    try:
        until(lambda: copy.position > 0, "the watcher has the individuals")
        platform = Platform(processes, "watched", copy, seed=int(trust))
        for number in range(1, OPERATIONS + 1):
            platform.step(number)
            if number % WATCHER_RESTARTS == 0:
                watcher.stop()
                watcher = Watcher(processes, "watched", copy)
        request = pb.GetProgressRequest(survey_id=SURVEY, session_id="watched")
        position = processes.stub.GetProgress(request, timeout=PATIENCE_S).progress.position
        until(lambda: copy.position == position, "the watcher has seen every change")
    finally:
        watcher.stop()
    listed = processes.stub.ListIndividuals(
        ind.ListIndividualsRequest(survey_id=SURVEY, session_id="watched"), timeout=PATIENCE_S
    )
    theirs = sorted(individual_values(listed.individuals), key=lambda one: one.individual_id)
    assert copy.now() == theirs
    assert platform.deleted
    here = DETECTIONS.keys() - platform.deleted
    assert sorted(i for one in theirs for i in one.detection_ids) == sorted(here)
    assert platform.done > OPERATIONS / 2
    journal = pb.ListEventsRequest(survey_id=SURVEY, session_id="watched", page_size=1000)
    events = list(processes.stub.ListEvents(journal, timeout=PATIENCE_S).events)
    reads = sum(event.HasField("read") for event in events)
    assert 0 < reads <= OPERATIONS // SURVEY_CHANGES
    # the session was created, and one round planned
    assert position - 2 - reads == platform.done
    names = {one.display_name for one in theirs} | {a.display_name for one in theirs for a in one.aliases}
    assert set(platform.names.values()) >= names - {""}
    # of an individual of which every detection is deleted, nothing is listed until one returns
    assert len(last_names(events) - names) <= len(platform.deleted)


def last_names(events: Sequence[pb.SessionEvent]) -> set[str]:
    """The last name of each individual that people named, by the journal."""
    undone = {event.changed.undone.position for event in events}
    names = {}
    for event in events:
        if event.changed.HasField("updated") and event.position not in undone:
            updated = event.changed.updated.individual
            names[updated.individual_id] = updated.display_name
    return set(names.values())
