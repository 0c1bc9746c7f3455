"""In-memory state of a session, rebuilt from its journal."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.common.session import round_messages
from services.sampler.scorer_client import Version
from services.sampler.session import label_outcomes
from services.sampler.session.identity import Identity
from services.sampler.session.individual_messages import Individuals
from spotted import messages
from spotted.constraints.answers import Answer, LabelEffect, LabelledPair, LabelOutcome
from spotted.constraints.interface import Constraints
from spotted.constraints.trust import Trust, make_constraints
from spotted.errors import NotFoundError
from spotted.individuals.register import differing
from spotted.sampling.rounds import Pair, RoundQueue
from spotted.v1 import sampler_pb2 as pb
from spotted.v1.individuals_pb2 import Individual

# memory per detection (id, groups, rounds) and per label (label, outcome, evidence); measured: 0.67 MiB per
# thousand detections, 6 KiB per label under verified trust
DETECTION_BYTES, LABEL_BYTES = 700, 6_000


@dataclass(frozen=True, slots=True)
class Planned:
    """The basis and the result of the session's latest round."""

    survey: Version
    """The version of the survey that the round was planned from."""
    top_k: int
    """Candidates per detection that were considered."""
    open_pairs: int
    """Candidate pairs that were open."""
    expected_pairs: float | None
    """Estimated pairs of one animal among them; None if there were too few answers for an estimate."""


@dataclass(frozen=True, slots=True)
class AuditPairs:
    """The pairs of a random audit."""

    pairs: tuple[Pair, ...] = ()
    open_pairs: int = 0
    """Number of open component pairs from which they were drawn."""


class SessionState:
    """State of a session after the events of its journal.

    Detections are the items 0..n-1 of the constraints, in the order in which rounds added them. Labels are
    folded in their order. All remaining labels are folded again when a label is retracted, when a person
    changes individuals, and when a second annotator answers while trust is unspecified. So every replica
    reaches the same state, whenever it reads the journal.
    """

    def __init__(self) -> None:
        self.session = pb.Session()
        self.detection_ids: list[str] = []
        self.item_of: dict[str, int] = {}
        self.labels: dict[str, pb.Label] = {}
        self.outcomes: dict[str, LabelOutcome] = {}
        self.planned: Planned | None = None
        self.trust = Trust.SINGLE
        self.constraints = make_constraints(self.trust)
        self.queue = RoundQueue(self.constraints)
        self.skipped: defaultdict[str, set[Pair]] = defaultdict(set)
        self.answers: Counter[int] = Counter()
        self.label_times_s: list[float] = []
        self.times_of: defaultdict[str, list[float]] = defaultdict(list)
        self.bursts: list[tuple[int, ...]] = []
        self.mixed_bursts: set[frozenset[int]] = set()
        self.audit = AuditPairs()
        self.position = 0
        self.identity = Identity()
        self._same_image: list[Pair] = []
        self._chances: dict[str, float | None] = {}

    @property
    def size_bytes(self) -> int:
        """Approximate memory of the session."""
        return DETECTION_BYTES * len(self.detection_ids) + LABEL_BYTES * len(self.labels)

    def apply(self, event: bytes) -> None:
        """Apply one SessionEvent."""
        self._apply(pb.SessionEvent.FromString(event))
        self.identity.settle(event, self.position, self.constraints)

    def _apply(self, event: pb.SessionEvent) -> None:
        self.position += 1
        match event.WhichOneof("event"):
            case "created":
                self.session = event.created
                self.session.create_time.CopyFrom(event.create_time)
                self._set_trust(Trust(self.session.trust or Trust.SINGLE))
            case "planned":
                self._plan(event.planned)
            case "labelled":
                for label in event.labelled.labels:
                    self.outcomes[label.label_id] = self._fold(label)
                    self.labels[label.label_id] = label
                self.identity.ledger.give(event.labelled.labels)
                self.queue.count_answers(len(event.labelled.labels))
                for burst in event.labelled.mixed_bursts:
                    self.mixed_bursts.add(frozenset(self.item_of[i] for i in burst.detection_ids))
            case "retracted":
                self.identity.retract(list(event.retracted.label_ids))
                self._refold()
            case "changed":
                if self.identity.change(self.position, event, self.item_of):
                    self._refold()
            case "audit":
                pairs = round_messages.read_pairs(event.audit.first, event.audit.second)
                self.audit = AuditPairs(tuple(pairs), event.audit.open_pairs)

    def pair(self, label: pb.Label) -> Pair:
        """The items of a label, the lower first. Raises NotFoundError for an unknown detection."""
        ids = label.first_detection_id, label.second_detection_id
        self.require(ids)
        return self.items(ids)

    def require(self, detection_ids: Sequence[str]) -> None:
        """Raise NotFoundError unless the session knows these detections."""
        for unknown in (i for i in detection_ids if i not in self.item_of):
            listed = ", ".join(map(repr, detection_ids))
            raise NotFoundError(
                f"not all of {listed} belong to this session: it has no detection {unknown!r}; answer the "
                "questions that were asked, or ask for questions once so that new detections are added"
            )

    def items(self, ids: tuple[str, str]) -> Pair:
        """The items of two detections of this session, the lower first."""
        return _ordered(self.item_of[ids[0]], self.item_of[ids[1]])

    def is_open(self, pair: Pair) -> bool:
        """Whether an answer to this pair would be new information."""
        return self.constraints.is_open(*pair)

    def label_outcome(self, label_id: str) -> pb.LabelOutcome:
        """The outcome of a label when it was stored, as a message."""
        return label_outcomes.outcome_message(label_id, self.outcomes[label_id], self.identity.ledger.given)

    def conflicts(self) -> list[pb.Conflict]:
        """The labels that contradict earlier ones now, oldest first."""
        return [
            label_outcomes.conflict(c.label.label_id, c.explanation, self.labels)
            for c in self.constraints.contradictions
        ]

    @property
    def named_individuals(self) -> Individuals:
        """The individuals with their ids and attributes."""
        return Individuals(self.identity.register, self.constraints, self.detection_ids)

    def individuals(self) -> list[Individual]:
        """The individuals as messages, largest first; those beyond a message come in several parts."""
        individuals = self.named_individuals
        return [individuals.message(part) for part in individuals.parts()]

    def image_pairs(self) -> Iterable[Pair]:
        """The pairs of items that one image shows."""
        return iter(self._same_image)

    def labelled_pair(self, label: pb.Label) -> LabelledPair:
        """A label SAME, DIFFERENT or NOT_COMPARABLE as the constraints take it."""
        certain = self.identity.ledger.is_certain(label.label_id)
        return LabelledPair(label.label_id, *self.pair(label), Answer(label.answer), certain=certain)

    def rebuilt(self, labels: Iterable[pb.Label], certain: Sequence[LabelledPair] = ()) -> Constraints:
        """The constraints that follow from these labels by the session's trust. certain: further ones."""
        constraints = make_constraints(self.trust, len(self.detection_ids))
        self._forbid(constraints, self._same_image)
        folded = [
            (self.labelled_pair(label), label.annotator_id)
            for label in labels
            if label.answer != pb.ANSWER_SKIP
        ]
        folded += [(label, "") for label in certain]
        if self.trust is Trust.SINGLE:
            # what is accepted first stands: what a person decided comes before answers
            folded.sort(key=lambda each: not each[0].certain)
        for label, annotator_id in folded:
            constraints.apply(label, annotator_id, self._chances.get(label.label_id))
        return constraints

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
        self.planned = Planned(
            Version(planned.survey_uid, planned.survey_revision),
            planned.top_k,
            planned.open_pairs,
            planned.expected_pairs if planned.HasField("expected_pairs") else None,
        )
        self.identity.touch(
            range(len(self.detection_ids) - len(planned.added_detection_ids), len(self.detection_ids))
        )
        self.bursts += [tuple(self.item_of[i] for i in burst.detection_ids) for burst in planned.bursts]
        self.queue.start(round_messages.read(planned))

    def _forbid(self, constraints: Constraints, images: Iterable[Pair]) -> None:
        for first, second in images:
            # image pairs are added with a new detection, so no earlier label can contradict them
            constraints.forbid(first, second)

    def _fold(self, label: pb.Label) -> LabelOutcome:
        pair = self.pair(label)
        self._count(label)
        if len(self.times_of) > 1 and not self.session.trust and self.trust is Trust.SINGLE:
            # a second annotator: from now on all answers, earlier ones included, are evidence
            self._set_trust(Trust.VERIFIED)
        return self._take(label, pair)

    def _count(self, label: pb.Label) -> None:
        self.answers[label.answer] += 1
        at_s = messages.seconds(label.create_time)
        self.label_times_s.append(at_s)
        self.times_of[label.annotator_id].append(at_s)

    def _take(self, label: pb.Label, pair: Pair) -> LabelOutcome:
        if label.answer == pb.ANSWER_SKIP:
            self.skipped[label.annotator_id].add(pair)
            return LabelOutcome(LabelEffect.CLOSED)
        # kept for when the labels are folded again, after later rounds
        chance = self._chances[label.label_id] = self.queue.chance(pair)
        return self.constraints.apply(self.labelled_pair(label), label.annotator_id, chance)

    def _set_trust(self, trust: Trust) -> None:
        """Fold all labels again with this trust."""
        before = self.constraints.component_ids()
        self.identity.touch(self.constraints.take_changed())
        self.trust = trust
        self.constraints = self.rebuilt(self.labels.values())
        self.queue = self.queue.over(self.constraints)
        self.skipped.clear()
        for label in self.labels.values():
            if label.answer == pb.ANSWER_SKIP:
                self.skipped[label.annotator_id].add(self.pair(label))
        self.constraints.take_changed()
        self.identity.touch(differing(before, self.constraints.component_ids()).tolist())

    def _refold(self) -> None:
        self.labels = self.identity.ledger.standing()
        for counts in (self.answers, self.label_times_s, self.times_of):
            counts.clear()
        for label in self.identity.ledger.labels_by_people(self.labels):
            self._count(label)
        several = len(self.times_of) > 1
        self._set_trust(Trust(self.session.trust or (Trust.VERIFIED if several else Trust.SINGLE)))


def _ordered(first: int, second: int) -> Pair:
    return (first, second) if first < second else (second, first)
