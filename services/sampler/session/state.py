"""In-memory state of a session, rebuilt from its journal."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from services.common.rpc import checks
from services.common.store.journal import generation
from services.sampler.scorer_client import Version
from services.sampler.session import label_outcomes, round_messages
from services.sampler.session.departures import GivenLabel, Remaining, given, live_labels
from spotted import messages
from spotted.constraints.answers import Answer, LabelEffect, LabelledPair, LabelOutcome
from spotted.constraints.interface import Constraints
from spotted.constraints.trust import Trust, make_constraints
from spotted.errors import NotFoundError
from spotted.sampling.rounds import Pair, RoundQueue
from spotted.v1 import sampler_pb2 as pb

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
    folded in their order. All remaining labels are folded again when a label is retracted, when detections
    leave or return, and when a second annotator answers while trust is unspecified. So every replica reaches
    the same state, whenever it reads the journal.
    """

    def __init__(self) -> None:
        self.session = pb.Session()
        self.generation = ""
        self.detection_ids: list[str] = []
        self.item_of: dict[str, int] = {}
        # of the detections that do not have their first image
        self.versions: dict[str, int] = {}
        self.departures = 0
        # those that were not retracted, and among them those that count now
        self.given: dict[str, GivenLabel] = {}
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
        self._same_image: list[Pair] = []

    @property
    def size_bytes(self) -> int:
        """Approximate memory of the session."""
        return DETECTION_BYTES * len(self.detection_ids) + LABEL_BYTES * len(self.labels)

    def apply(self, entry: bytes) -> None:
        """Apply one SessionEvent."""
        event = pb.SessionEvent.FromString(entry)
        self.position += 1
        self.generation = self.generation or generation(entry)
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
                    chance = self.queue.chance(self.pair(label))
                    self.given[label.label_id] = given(label, self.versions, chance)
                self.queue.count_answers(len(event.labelled.labels))
                for burst in event.labelled.mixed_bursts:
                    self.mixed_bursts.add(frozenset(self.item_of[i] for i in burst.detection_ids))
            case "retracted":
                for label_id in event.retracted.label_ids:
                    self.labels.pop(label_id, None)
                    self.given.pop(label_id, None)
                self._refold()
            case "left":
                self._leave(frozenset(event.left.detection_ids))
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

    def knows(self, detection_ids: Iterable[str]) -> bool:
        """Whether all of these detections are in the session."""
        return all(i in self.item_of for i in detection_ids)

    def items(self, ids: tuple[str, str]) -> Pair:
        """The items of two detections of this session, the lower first."""
        return _ordered(self.item_of[ids[0]], self.item_of[ids[1]])

    def is_open(self, pair: Pair) -> bool:
        """Whether an answer to this pair would be new information."""
        return self.constraints.is_open(*pair)

    def label_outcome(self, label_id: str) -> pb.LabelOutcome:
        """The outcome of a label when it was stored, as a message."""
        return label_outcomes.outcome_message(label_id, self.outcomes[label_id], self.labels)

    def conflicts(self) -> list[pb.Conflict]:
        """The labels that contradict earlier ones now, oldest first."""
        return [
            label_outcomes.conflict(c.label.label_id, c.explanation, self.labels)
            for c in self.constraints.contradictions
        ]

    def individuals(self) -> list[pb.Individual]:
        """The components, largest first; equal sizes by id. Those beyond a message come in several parts."""
        members = [sorted(self.detection_ids[i] for i in items) for items in self.constraints.components()]
        members.sort(key=lambda ids: (-len(ids), ids[0]))
        return [
            pb.Individual(individual_id=individual_id(ids), detection_ids=part)
            for ids in members
            for part in _parts(ids)
        ]

    def _plan(self, planned: pb.PlannedRound) -> None:
        for detection_id in planned.added_detection_ids:
            self.item_of[detection_id] = len(self.detection_ids)
            self.detection_ids.append(detection_id)
        self.versions |= {change.detection_id: change.version for change in planned.added_versions}
        self.constraints.add_items(len(planned.added_detection_ids))
        images = [
            _ordered(self.item_of[p.first_detection_id], self.item_of[p.second_detection_id])
            for p in planned.image_pairs
        ]
        self._forbid(self.constraints, images)
        self._same_image += images
        if self.departures and planned.added_detection_ids:
            self._count_live_labels()
        self.planned = Planned(
            Version(planned.survey_uid, planned.survey_revision),
            planned.top_k,
            planned.open_pairs,
            planned.expected_pairs if planned.HasField("expected_pairs") else None,
        )
        self.bursts += [tuple(self.item_of[i] for i in burst.detection_ids) for burst in planned.bursts]
        self.queue.start(round_messages.read(planned))

    def _leave(self, gone: frozenset[str]) -> None:
        """Number the detections again without those that left; labels about them no longer count."""
        remaining = Remaining(self.detection_ids, gone)
        self.departures += 1
        self.detection_ids = remaining.detection_ids
        self.item_of = {detection_id: item for item, detection_id in enumerate(self.detection_ids)}
        self.versions = {i: version for i, version in self.versions.items() if i not in gone}
        self._same_image = remaining.pairs(self._same_image)
        self.bursts = remaining.groups(self.bursts)
        self.mixed_bursts = set(map(frozenset, remaining.groups(self.mixed_bursts)))
        self.audit = replace(self.audit, pairs=tuple(remaining.pairs(self.audit.pairs)))
        self.queue = self.queue.renumbered(remaining.index)
        self.labels = live_labels(self.given, self.item_of, self.versions)
        self._refold()

    def _count_live_labels(self) -> None:
        """Fold all labels again if detections returned with labels that count again."""
        labels = live_labels(self.given, self.item_of, self.versions)
        if len(labels) != len(self.labels):
            self.labels = labels
            self._refold()

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
        labelled = LabelledPair(label.label_id, *pair, Answer(label.answer))
        chance = self.queue.chance(pair)
        if chance is None and label.label_id in self.given:
            # planned before its detections left and returned
            chance = self.given[label.label_id].chance
        return self.constraints.apply(labelled, label.annotator_id, chance)

    def _set_trust(self, trust: Trust) -> None:
        """Fold all labels again with this trust."""
        self.trust = trust
        self.constraints = make_constraints(trust, len(self.detection_ids))
        self._forbid(self.constraints, self._same_image)
        self.queue = self.queue.over(self.constraints)
        self.skipped.clear()
        for label in self.labels.values():
            self._take(label, self.pair(label))

    def _refold(self) -> None:
        for counts in (self.answers, self.label_times_s, self.times_of):
            counts.clear()
        for label in self.labels.values():
            self._count(label)
        several = len(self.times_of) > 1
        self._set_trust(Trust(self.session.trust or (Trust.VERIFIED if several else Trust.SINGLE)))


def individual_id(detection_ids: Sequence[str]) -> str:
    """The id of the individual with these detections, sorted; stable while the first one belongs to it."""
    return f"ind-{detection_ids[0]}"


def _parts(detection_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """The ids in parts that fit into a page, usually one."""
    rest = detection_ids
    while rest:
        count = checks.fitting([len(i.encode()) + 4 for i in rest])
        yield rest[:count]
        rest = rest[count:]


def _ordered(first: int, second: int) -> Pair:
    return (first, second) if first < second else (second, first)
