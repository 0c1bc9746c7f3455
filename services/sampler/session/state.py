"""In-memory state of a session, rebuilt from its journal."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from services.common.session import round_messages
from services.sampler.facts.asked import asked_about
from services.sampler.facts.roster import Roster
from services.sampler.facts.session_facts import SessionFacts
from services.sampler.labels import label_outcomes
from services.sampler.labels.label_counts import LabelCounts
from services.sampler.labels.ledger import PersonsChange
from services.sampler.session.defaults import set_settings
from services.sampler.session.identity import Identity
from services.sampler.session.individual_messages import Individuals, catalogued
from services.sampler.session.planned import AuditPairs, Planned
from services.sampler.survey_values import Version
from spotted.constraints.answers import Answer, LabelEffect, LabelledPair, LabelOutcome
from spotted.constraints.assumptions import Assumptions
from spotted.constraints.interface import Constraints
from spotted.constraints.trust import Trust, make_constraints
from spotted.constraints.trust_change import fold_labels
from spotted.constraints.verified import GivenLabel
from spotted.facts.overrides import Overrides
from spotted.individuals.register import differing
from spotted.sampling.rounds import Pair, RoundQueue
from spotted.sampling.suggestions import Suggestions
from spotted.v1 import sampler_pb2 as pb
from spotted.v1.session_facts_pb2 import KNOWN_INDIVIDUALS_SUGGESTED, SurveyRead

# memory per detection (id, groups, rounds) and per label (label, outcome, evidence); measured: 0.67 MiB per
# thousand detections, 6 KiB per label under verified trust
DETECTION_BYTES, LABEL_BYTES = 700, 6_000


class SessionState:
    """State of a session after the events of its journal.

    Detections are the items 0..n-1 of the constraints, in the order in which they were added. Labels are
    folded in their order, and again when one is retracted, a person changes individuals, detections go or
    return, facts are read, or trust changes. So every replica reaches the same state whenever it reads.
    """

    def __init__(self) -> None:
        self.session = pb.Session()
        self.roster = Roster()
        """The detections by item."""
        self.labels: dict[str, pb.Label] = {}
        self.outcomes: dict[str, LabelOutcome] = {}
        self.planned: Planned | None = None
        self.survey: Version | None = None
        """The version of the survey that detections or scores were last read from."""
        self.facts = SessionFacts()
        self.suggestions = Suggestions()
        self.trust = Trust.SINGLE
        self.constraints = make_constraints(self.trust)
        self.queue = RoundQueue(self.constraints)
        self.skipped: defaultdict[str, set[Pair]] = defaultdict(set)
        self.counts = LabelCounts()
        self.bursts: list[tuple[int, ...]] = []
        self.planned_items = 0
        """Number of detections at the latest round: its bursts are of these."""
        self.mixed_bursts: set[frozenset[int]] = set()
        self.audit = AuditPairs()
        self.position = 0
        self.updated_ns = 0
        self.identity = Identity()
        self.same_image: list[Pair] = []
        self._single: set[str] = set()
        self._chances: dict[str, float | None] = {}
        self._pairs: dict[str, Pair] = {}

    @property
    def detection_ids(self) -> list[str]:
        """The detection of each item."""
        return self.roster.detection_ids

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
        self.updated_ns = event.create_time.ToNanoseconds()
        match event.WhichOneof("event"):
            case "created":
                self.session = event.created
                self.session.create_time.CopyFrom(event.create_time)
                self.trust = Trust(self.session.trust or Trust.SINGLE)
                self._fold_again()
            case "read":
                self.take_in(event.read)
            case "updated":
                self._update(event.updated)
            case "planned":
                self._plan(event.planned)
            case "labelled":
                self._label(event.labelled)
            case "retracted":
                self.identity.retract(list(event.retracted.label_ids))
                self._stand_again()
            case "changed":
                stands_again = self.identity.change(self.position, event, self.roster)
                change = self.identity.ledger.changes[self.position]
                self._pairs |= {i: self.pair(label) for i, label in change.labels.items()}
                if stands_again:
                    self._carry_out(change)
            case "audit":
                pairs = round_messages.read_pairs(event.audit.first, event.audit.second)
                self.audit = AuditPairs(tuple(pairs), event.audit.open_pairs)

    def pair(self, label: pb.Label) -> Pair:
        """The items of a label, the lower first. Raises NotFoundError for an unknown detection."""
        self.roster.require([label.first_detection_id, label.second_detection_id])
        return self.roster.asked_pair(asked_about(label))

    def is_open(self, pair: Pair) -> bool:
        """Whether an answer to this pair would be new information."""
        return self.constraints.is_open(*pair)

    def label_outcome(self, label_id: str) -> pb.LabelOutcome:
        """The outcome of a label when it was stored, as a message."""
        naming = label_outcomes.Naming(self.identity.ledger.given, self.detection_ids)
        return label_outcomes.outcome_message(label_id, self.outcomes[label_id], naming)

    def conflicts(self) -> list[pb.Conflict]:
        """The labels that contradict earlier ones or facts now, oldest first, then facts that do."""
        return label_outcomes.conflicts(
            self.constraints, label_outcomes.Naming(self.labels, self.detection_ids)
        )

    @property
    def named_individuals(self) -> Individuals:
        """The individuals with their ids and attributes."""
        known = catalogued(self.session, self.facts, self.roster)
        return Individuals(self.identity.register, self.constraints, self.detection_ids, known)

    def labelled_pair(self, label: pb.Label) -> LabelledPair:
        """A label SAME, DIFFERENT or NOT_COMPARABLE as the constraints take it."""
        certain = self.identity.ledger.is_certain(label.label_id)
        return LabelledPair(
            label.label_id, *self._pairs[label.label_id], Answer(label.answer), certain=certain
        )

    def rebuilt(
        self,
        labels: Iterable[pb.Label],
        certain: Sequence[LabelledPair] = (),
        overrides: Overrides | None = None,
    ) -> Constraints:
        """The constraints that follow from these labels by the session's trust. certain: further ones."""
        given = [one for label in labels if (one := self._given(label)) is not None]
        given += [(label, "", None) for label in certain]
        # what is accepted first stands: what a person decided comes before answers
        given.sort(key=lambda one: not one[0].certain)
        single = [one for one in given if self.trust is Trust.SINGLE or one[0].label_id in self._single]
        kept = {id(one) for one in single}
        weighed = [one for one in given if id(one) not in kept]
        return fold_labels(self.trust, len(self.detection_ids), self.assumptions(overrides), single, weighed)

    def assumptions(self, overrides: Overrides | None = None) -> Assumptions:
        """The facts that the session takes for granted. overrides: other than by the changes that stand."""
        decided = overrides or self.identity.overrides()
        return self.facts.assumptions(self.session, self.same_image, self.roster.gone, decided)

    def copied(self) -> SessionState:
        """A state that may take in detections, or lose labels, while this one stays as it is."""
        other = copy.copy(self)
        other.identity = copy.deepcopy(self.identity)
        other.roster, other.facts = self.roster.copy(), self.facts.copy()
        other.skipped, other.constraints = copy.deepcopy((self.skipped, self.constraints))
        other.queue = self.queue.over(other.constraints)
        return other

    def take_in(self, read: SurveyRead) -> None:
        """Add detections, let others go or return, and take in facts about them."""
        start = len(self.detection_ids)
        changed = self.roster.take_in(read, self.survey)
        images = [self.roster.items((p.first_detection_id, p.second_detection_id)) for p in read.image_pairs]
        self.same_image = list(dict.fromkeys([*self.same_image, *images]))
        new_names = (*read.renamed_detection_ids, *read.returned_detection_ids)
        renamed = [self.roster.item_of[i] for i in new_names]
        self.facts.forget_names(renamed)
        earlier = self.facts.take(read.facts, complete=read.complete, start=start)
        if self.planned and (read.added_detection_ids or read.returned_detection_ids or earlier):
            self.planned = replace(self.planned, outdated=True)
        self.survey = Version(read.survey_uid, read.survey_revision)
        self.constraints.add_items(len(self.detection_ids) - start)
        self.identity.add(self.roster, start, self.position)
        self.identity.touch([*changed, *renamed, *self.facts.rename(read.entry_names)])
        if read.complete or changed or renamed or earlier or read.facts.names or read.facts.encounters:
            self._fold_again()
            return
        for first, second in images:
            # added with a new detection, so that no earlier label can contradict them
            self.constraints.forbid(first, second)
        if read.facts.detections:
            self.constraints.restrict(self.facts.scope(self.session, self.roster.gone))

    def _plan(self, planned: pb.PlannedRound) -> None:
        self.take_in(
            SurveyRead(
                added_detection_ids=planned.added_detection_ids,
                image_pairs=planned.image_pairs,
                facts=planned.facts,
                survey_uid=planned.survey_uid,
                survey_revision=planned.survey_revision,
                versions=planned.versions,
            )
        )
        self.planned = Planned(
            planned.top_k,
            planned.open_pairs,
            planned.expected_pairs if planned.HasField("expected_pairs") else None,
        )
        self.planned_items = len(self.detection_ids)
        item_of = self.roster.item_of
        self.bursts += [tuple(item_of[i] for i in burst.detection_ids) for burst in planned.bursts]
        self.queue.start(round_messages.read(planned))

    def _update(self, updated: pb.SessionUpdated) -> None:
        """Change the settings; labels that decided at once keep deciding under verified trust."""
        set_settings(self.session, updated.settings)
        trust = Trust(self.session.trust or Trust.SINGLE)
        if trust is not self.trust:
            self._single = set(self.identity.ledger.given) if trust is Trust.VERIFIED else set()
            self.trust = trust
        if updated.HasField("read"):
            self.take_in(updated.read)
        else:
            self._fold_again()

    def _label(self, given: pb.LabelsGiven) -> None:
        for label in given.labels:
            self.counts.add(label)
            # kept for when the labels are folded again, after later rounds
            pair = self._pairs[label.label_id] = self.pair(label)
            self.queue.learn_from(pair)
            self._chances[label.label_id] = self.queue.chance(pair)
            one = self._given(label)
            outcome = self.constraints.apply(*one) if one else LabelOutcome(LabelEffect.CLOSED)
            if not self.roster.gone.isdisjoint(pair) and outcome.explanation is None:
                outcome = replace(outcome, effect=LabelEffect.GONE)
            self.outcomes[label.label_id] = outcome
            if one is None:
                self.skipped[label.annotator_id].add(pair)
            self.labels[label.label_id] = label
        self.identity.ledger.give(given.labels)
        self.queue.count_answers(len(given.labels))
        for burst in given.mixed_bursts:
            self.mixed_bursts.add(frozenset(self.roster.asked_items(asked_about(burst))))

    def _given(self, label: pb.Label) -> GivenLabel | None:
        """A label as constraints take it; None for SKIP, which they never see."""
        if label.answer == pb.ANSWER_SKIP:
            return None
        return self.labelled_pair(label), label.annotator_id, self._chances.get(label.label_id)

    def _carry_out(self, change: PersonsChange) -> None:
        """Fold the labels with a change; one that only joins contradicts none, so that they stay folded."""
        if not change.only_joins:
            self._stand_again()
            return
        for label_id, label in change.labels.items():
            self.labels[label_id] = label
            self._chances[label_id] = self.queue.chance(self._pairs[label_id])
            if one := self._given(label):
                self.constraints.apply(*one)

    def _fold_again(self) -> None:
        """Fold all labels again, over the facts and by the trust of now."""
        before = self.constraints.component_ids()
        self.identity.touch(self.constraints.take_changed())
        self.constraints = self.rebuilt(self.labels.values())
        self.queue = self.queue.over(self.constraints)
        suggested = self.session.known_individuals == KNOWN_INDIVIDUALS_SUGGESTED
        self.suggestions = Suggestions(self.facts.suggested(self.roster.gone) if suggested else ())
        self.skipped.clear()
        for label in self.labels.values():
            if label.answer == pb.ANSWER_SKIP:
                self.skipped[label.annotator_id].add(self._pairs[label.label_id])
        self.constraints.take_changed()
        self.identity.touch(differing(before, self.constraints.component_ids()).tolist())

    def _stand_again(self) -> None:
        """Fold the labels that stand after a retraction or a change by a person."""
        self.labels = self.identity.ledger.standing()
        self.counts = LabelCounts(self.identity.ledger.labels_by_people(self.labels))
        self._fold_again()
