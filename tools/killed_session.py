"""Annotators whose sampler or store is killed while they answer, and what must hold of their session then."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
import numpy as np

from services.common.store.journal import Journal
from services.sampler import wire
from services.sampler.session.state import SessionState
from spotted.v1 import individuals_pb2
from spotted.v1 import sampler_pb2 as pb
from tools.killed_processes import ANIMAL_OF, DEADLINE_S, SURVEY, Processes

ANNOTATORS = ("anna", "ben", "cleo")
# calls of each annotator without a kill before the calls that one falls into
CALM = 1
# longest delay after which the kill falls; most calls are answered in less
WINDOW_S = 0.008
MISTAKES, RETRACTIONS = 0.1, 0.05
CODES = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED, grpc.StatusCode.CANCELLED})

Content = tuple[str, str, str, int]


class LossError(AssertionError):
    """A session does not hold what was acknowledged, each once."""


@dataclass
class Call:
    """A call that is sent until it is answered, always with one request id."""

    rpc: str
    request: Any
    annotator_id: str = ""
    answer: Any = None


@dataclass
class Tally:
    """Events so far."""

    kills: Counter[str] = field(default_factory=Counter)
    labels: int = 0
    repeated: int = 0
    already_stored: int = 0


class Session:
    """One session: what its annotators sent and what was acknowledged to them."""

    def __init__(self, processes: Processes, rng: np.random.Generator, tally: Tally) -> None:
        self.finished = False
        self._processes = processes
        self._rng = rng
        self._tally = tally
        self._session_id = f"session-{uuid.uuid4().hex[:12]}"
        self._questions: dict[str, list[pb.PairQuery | pb.GroupQuery]] = {a: [] for a in ANNOTATORS}
        self._sent: Counter[Content] = Counter()
        self._acknowledged: dict[str, pb.Label] = {}
        self._retracted: set[str] = set()
        self._created = False

    def kill_once(self) -> None:
        """Let all annotators call, kill sampler or store at a random moment, start it again, and check."""
        for _ in range(CALM if self._created else 0):
            self._settle(self._next_calls())
        calls = self._next_calls()
        sent = [(call, self._send(call)) for call in calls]
        time.sleep(self._rng.uniform(0.0, WINDOW_S))
        victim = ("sampler", "store")[self._rng.integers(2)]
        self._kill_and_start(victim, [future for _, future in sent])
        self._tally.kills[victim] += 1
        unanswered = [call for call, future in sent if not self._is_answered(call, future)]
        self._tally.repeated += len(unanswered)
        self._check(unanswered)
        self._settle(unanswered)
        self._check([])

    def _kill_and_start(self, victim: str, futures: Sequence[Any]) -> None:
        processes = self._processes
        if victim == "store":
            processes.kill_store()
            processes.start_store()
            return
        processes.kill_sampler()
        for future in futures:
            # ends by itself: its connection is gone
            future.exception(DEADLINE_S)
        processes.hang_up()
        processes.start_sampler()

    def _next_calls(self) -> list[Call]:
        """One call of each annotator."""
        if not self._created:
            settings = pb.StrategySettings(strategy_id=("learned", "greedy")[self._rng.integers(2)])
            session = pb.Session(
                survey_id=SURVEY,
                session_id=self._session_id,
                strategy=settings,
                seed=int(self._rng.integers(1000)),
            )
            request = pb.CreateSessionRequest(session=session, request_id=uuid.uuid4().hex)
            return [Call("CreateSession", request)]
        return [self._next_call(annotator_id) for annotator_id in ANNOTATORS]

    def _next_call(self, annotator_id: str) -> Call:
        mine = [
            label.label_id
            for label in self._acknowledged.values()
            if label.annotator_id == annotator_id and label.label_id not in self._retracted
        ]
        if mine and self._rng.random() < RETRACTIONS:
            taken = pb.RetractLabelsRequest(
                survey_id=SURVEY,
                session_id=self._session_id,
                label_ids=[mine[-1]],
                annotator_id=annotator_id,
                request_id=uuid.uuid4().hex,
            )
            return Call("RetractLabels", taken, annotator_id)
        if not self._questions[annotator_id]:
            shows = [pb.QUESTION_KIND_PAIR, pb.QUESTION_KIND_BURST]
            asked = pb.NextPairsRequest(
                survey_id=SURVEY, session_id=self._session_id, annotator_id=annotator_id, count=6, shows=shows
            )
            return Call("NextPairs", asked, annotator_id)
        request = pb.SubmitLabelsRequest(
            survey_id=SURVEY, session_id=self._session_id, request_id=uuid.uuid4().hex
        )
        self._answer(request, self._questions[annotator_id].pop(0), annotator_id)
        self._sent.update(map(_content, wire.labels_to_store(request).labels))
        return Call("SubmitLabels", request, annotator_id)

    def _answer(
        self, request: pb.SubmitLabelsRequest, question: pb.PairQuery | pb.GroupQuery, annotator_id: str
    ) -> None:
        mistaken = self._rng.random() < MISTAKES
        if isinstance(question, pb.GroupQuery):
            ids = [detection.detection_id for detection in question.detections]
            same = (len({ANIMAL_OF[i] for i in ids}) == 1) != mistaken
            request.bursts.add(detection_ids=ids, one_animal=same, annotator_id=annotator_id)
            return
        first, second = question.first.detection_id, question.second.detection_id
        same = (ANIMAL_OF[first] == ANIMAL_OF[second]) != mistaken
        request.labels.add(
            first_detection_id=first,
            second_detection_id=second,
            answer=pb.ANSWER_SAME if same else pb.ANSWER_DIFFERENT,
            annotator_id=annotator_id,
        )

    def _send(self, call: Call) -> Any:  # noqa: ANN401 - the stub is chosen by name
        return getattr(self._processes.stub, call.rpc).future(call.request, timeout=DEADLINE_S)

    def _is_answered(self, call: Call, future: Any) -> bool:  # noqa: ANN401 - grpc types no futures
        try:
            call.answer = future.result(DEADLINE_S)
        except grpc.RpcError as error:
            if error.code() not in CODES:
                raise LossError(f"{call.rpc} was refused: {error.code()} {error.details()}") from error
            return False
        self._take(call)
        return True

    def _settle(self, calls: Sequence[Call]) -> None:
        """Send calls until all are answered."""
        deadline = time.monotonic() + DEADLINE_S
        while calls:
            sent = [(call, self._send(call)) for call in calls]
            calls = [call for call, future in sent if not self._is_answered(call, future)]
            if time.monotonic() > deadline:
                raise LossError(f"{calls[0].rpc} is not answered within {DEADLINE_S:.0f} s")

    def _take(self, call: Call) -> None:
        match call.rpc:
            case "CreateSession":
                self._created = True
            case "NextPairs":
                self._questions[call.annotator_id] = [*call.answer.groups, *call.answer.pairs]
                self.finished = self.finished or not (call.answer.groups or call.answer.pairs)
            case "SubmitLabels":
                for outcome in call.answer.outcomes:
                    if outcome.label.label_id in self._acknowledged:
                        raise LossError(f"label {outcome.label.label_id} was acknowledged twice")
                    self._acknowledged[outcome.label.label_id] = outcome.label
                    self._tally.labels += 1
            case "RetractLabels":
                self._retracted.update(call.request.label_ids)

    def _check(self, unanswered: Sequence[Call]) -> None:
        """Raise LossError unless the journal holds what it must while these calls are not answered."""
        journal = Journal(self._processes.store, SURVEY, self._session_id)
        entries = list(journal.read(0))
        if not entries:
            if self._created:
                raise LossError("an acknowledged session is gone")
            return
        events = [pb.SessionEvent.FromString(entry) for entry in entries]
        stored = [label for event in events for label in event.labelled.labels]
        by_id = {label.label_id: label for label in stored}
        if len(by_id) < len(stored):
            raise LossError("a label id is in the journal twice")
        lost = [i for i, label in self._acknowledged.items() if by_id.get(i) != label]
        if lost:
            raise LossError(f"acknowledged labels {lost} are not in the journal as they were acknowledged")
        twice = Counter(map(_content, stored)) - self._sent
        if twice:
            raise LossError(f"more labels than were sent: {twice}")
        pending = len(stored) - len(self._acknowledged)
        if unanswered:
            self._tally.already_stored += pending
            return
        if pending:
            raise LossError(f"{pending} labels in the journal were acknowledged to nobody")
        self._check_replay(entries)

    def _check_replay(self, entries: Sequence[bytes]) -> None:
        """Raise LossError unless the journal replays to the session that the sampler reports."""
        state = SessionState()
        for entry in entries:
            state.apply(entry)
        if set(state.labels) != set(self._acknowledged) - self._retracted:
            raise LossError("the labels that stand are not those that were acknowledged and not taken back")
        request = individuals_pb2.ListIndividualsRequest(survey_id=SURVEY, session_id=self._session_id)
        reported = self._processes.stub.ListIndividuals(request, timeout=DEADLINE_S).individuals
        if list(reported) != state.named_individuals.messages():
            raise LossError("the sampler's individuals are not those of the journal")


def _content(label: pb.Label) -> Content:
    return label.first_detection_id, label.second_detection_id, label.annotator_id, label.answer
