"""A session as the fold of its journal."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from spotted import messages
from spotted.constraints import Answer, Constraints, Effect, LabelledPair, Outcome
from spotted.errors import NotFoundError
from spotted.sampling.rounds import Pair, PairQuery, Round, RoundQueue
from spotted.v1 import sampler_pb2 as pb


@dataclass(frozen=True, slots=True)
class Planned:
    """What the session's latest round was planned from."""

    survey_revision: int
    top_k: int


class SessionState:
    """What a session's journal folds into.

    Detections are the items 0..n-1 of the constraints, in the order in which rounds brought them in. Labels
    are folded in the order they came; taking one back folds the others anew, so that any replica, whenever
    it reads the journal, comes to the same state.
    """

    def __init__(self) -> None:
        self.session = pb.Session()
        self.detection_ids: list[str] = []
        self.item_of: dict[str, int] = {}
        self.labels: dict[str, pb.Label] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.planned: Planned | None = None
        self.queue = RoundQueue(Constraints())
        self.skipped: defaultdict[str, set[Pair]] = defaultdict(set)
        self.answers: Counter[int] = Counter()
        self.label_times_s: list[float] = []
        self.position = 0
        self._same_image: list[Pair] = []

    @property
    def constraints(self) -> Constraints:
        """The closure of the labels."""
        return self.queue.constraints

    def apply(self, entry: bytes) -> None:
        """Take in one SessionEvent."""
        event = pb.SessionEvent.FromString(entry)
        self.position += 1
        match event.WhichOneof("event"):
            case "created":
                self.session = event.created
                self.session.create_time.CopyFrom(event.create_time)
            case "planned":
                self._plan(event.planned)
            case "labelled":
                for label in event.labelled.labels:
                    self.labels[label.label_id] = label
                    self.outcomes[label.label_id] = self._fold(label)
            case "retracted":
                for label_id in event.retracted.label_ids:
                    self.labels.pop(label_id, None)
                self._refold()

    def pair(self, label: pb.Label) -> Pair:
        """The items of a label, the lower first. Raises NotFoundError for an unknown detection."""
        ids = label.first_detection_id, label.second_detection_id
        unknown = [i for i in ids if i not in self.item_of]
        if unknown:
            raise NotFoundError(
                f"the pair {ids[0]!r}, {ids[1]!r} is not of this session: it has no {unknown[0]!r}; "
                "label pairs that NextPairs gave, or call NextPairs once so that new detections join"
            )
        return _ordered(self.item_of[ids[0]], self.item_of[ids[1]])

    def is_open(self, pair: Pair) -> bool:
        """Whether an answer to this pair would tell something new."""
        return self.constraints.is_open(*pair)

    def label_outcome(self, label_id: str) -> pb.LabelOutcome:
        """What a label did when it came, as the contract tells it."""
        outcome = self.outcomes[label_id]
        told = pb.LabelOutcome(
            label=self.labels.get(label_id),
            effect=_EFFECTS[outcome.effect],
            implied_same_pairs=outcome.implied_same,
        )
        if outcome.explanation is not None:
            told.conflict.CopyFrom(self._conflict(label_id, outcome))
        return told

    def conflicts(self) -> list[pb.Conflict]:
        """The labels that contradict earlier ones now, oldest first."""
        return [
            self._conflict(c.label.label_id, Outcome(Effect.CONTRADICTS, explanation=c.explanation))
            for c in self.constraints.contradictions
        ]

    def individuals(self) -> list[pb.Individual]:
        """The components, largest first; equal sizes by id."""
        members = [sorted(self.detection_ids[i] for i in items) for items in self.constraints.components()]
        members.sort(key=lambda ids: (-len(ids), ids[0]))
        return [pb.Individual(individual_id=individual_id(ids), detection_ids=ids) for ids in members]

    def _plan(self, planned: pb.PlannedRound) -> None:
        for detection_id in planned.added_detection_ids:
            self.item_of[detection_id] = len(self.detection_ids)
            self.detection_ids.append(detection_id)
        self.constraints.add_items(len(planned.added_detection_ids))
        images = [
            _ordered(self.item_of[p.first_detection_id], self.item_of[p.second_detection_id])
            for p in planned.image_pairs
        ]
        self._forbid(self.constraints, images)
        self._same_image += images
        self.planned = Planned(planned.survey_revision, planned.top_k)
        pairs = tuple(self._query(pair) for pair in planned.pairs)
        self.queue.start(
            Round(planned.round, planned.kind, pairs, planned.eps if planned.HasField("eps") else None)
        )

    def _query(self, planned: pb.PlannedPair) -> PairQuery:
        first, second = _ordered(
            self.item_of[planned.first_detection_id], self.item_of[planned.second_detection_id]
        )
        return PairQuery(first, second, planned.reason, planned.score)

    def _forbid(self, constraints: Constraints, images: Iterable[Pair]) -> None:
        for first, second in images:
            # a detection is new where it comes with an image pair, so no label can stand against it yet
            constraints.forbid(first, second)

    def _fold(self, label: pb.Label) -> Outcome:
        first, second = self.pair(label)
        self.answers[label.answer] += 1
        self.label_times_s.append(messages.seconds(label.create_time))
        if label.answer == pb.ANSWER_SKIP:
            self.skipped[label.annotator_id].add((first, second))
            return Outcome(Effect.PAIR_CLOSED)
        return self.constraints.apply(LabelledPair(label.label_id, first, second, Answer(label.answer)))

    def _refold(self) -> None:
        constraints = Constraints(len(self.detection_ids))
        self._forbid(constraints, self._same_image)
        queue = RoundQueue(constraints)
        if self.queue.round is not None:
            queue.resume(self.queue.round)
        self.queue = queue
        for sums in (self.skipped, self.answers, self.label_times_s):
            sums.clear()
        for label in self.labels.values():
            self._fold(label)

    def _conflict(self, label_id: str, outcome: Outcome) -> pb.Conflict:
        explanation = outcome.explanation
        reasons = [self.labels[i] for i in explanation.label_ids if i in self.labels] if explanation else []
        label = self.labels.get(label_id, pb.Label(label_id=label_id))
        one_image = explanation is not None and explanation.same_image is not None
        return pb.Conflict(
            label=label, explanation=reasons, message=_in_words(label, reasons, one_image=one_image)
        )


def individual_id(detection_ids: Sequence[str]) -> str:
    """The id of the individual with these detections, sorted: stable while the first stays in it."""
    return f"ind-{detection_ids[0]}"


_EFFECTS = {
    Effect.MERGED: pb.LABEL_EFFECT_MERGED,
    Effect.SEPARATED: pb.LABEL_EFFECT_SEPARATED,
    Effect.ALREADY_IMPLIED: pb.LABEL_EFFECT_IMPLIED,
    Effect.CONTRADICTS: pb.LABEL_EFFECT_CONFLICT,
    Effect.PAIR_CLOSED: pb.LABEL_EFFECT_CLOSED,
}
_SAID = {pb.ANSWER_SAME: "are one animal", pb.ANSWER_DIFFERENT: "are two animals"}


def _in_words(label: pb.Label, reasons: Sequence[pb.Label], *, one_image: bool) -> str:
    said = _SAID.get(label.answer, "are unclear")
    pair = f"{label.first_detection_id} and {label.second_detection_id}"
    if not reasons:
        return f"{pair} {said}, but one image shows both animals"
    listed = "; ".join(
        f"{r.first_detection_id} and {r.second_detection_id} {_SAID.get(r.answer, '')} ({r.annotator_id})"
        for r in reasons
    )
    image = ", and one image shows two of these animals" if one_image else ""
    return (
        f"{label.annotator_id} says that {pair} {said}, against: {listed}{image}; retract one of these labels"
    )


def _ordered(first: int, second: int) -> Pair:
    return (first, second) if first < second else (second, first)
