"""A session in memory: its journal, and what follows from it."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from spotted.client.individuals.messages import individual_value
from spotted.constraints.answers import Answer, LabelledPair, LabelOutcome
from spotted.constraints.assumptions import Assumptions, assume
from spotted.constraints.closure import Closure
from spotted.errors import NotFoundError
from spotted.facts.kinds import Fact, KnownIndividuals, Source, known_name
from spotted.facts.overrides import Overrides
from spotted.individuals.attributes import Attributes, Update
from spotted.individuals.founders import Founder
from spotted.individuals.naming import individual_id, read_individual_id
from spotted.individuals.register import Register, Registered, differing
from spotted.survey import Detection
from spotted.testing.fake_survey import StoredSurvey
from spotted.v1 import individuals_pb2, session_facts_pb2
from spotted.v1 import sampler_pb2 as pb


@dataclass
class StoredSession:
    """A session in memory, as its journal; everything else follows from it."""

    survey: StoredSurvey
    events: list[pb.SessionEvent] = field(default_factory=list)
    _folded: FoldedSession | None = None

    @property
    def message(self) -> pb.Session:
        """The session as stored."""
        session = pb.Session()
        session.CopyFrom(self.folded().session)
        session.position = len(self.events)
        return session

    def append(self, event: pb.SessionEvent) -> FoldedSession:
        """Add an event to the journal; returns the session after it."""
        event.position = len(self.events) + 1
        self.events.append(event)
        return self.folded()

    def folded(self) -> FoldedSession:
        """The session after its journal, about the detections that the survey has now."""
        detections = list(self.survey.detections.values())
        if self._folded is None or self._folded.detections != detections:
            self._folded = FoldedSession(detections)
        for event in self.events[self._folded.position :]:
            self._folded.apply(event)
        return self._folded


class FoldedSession:
    """A session after the events of its journal; the detections are the items of its constraints.

    >>> session = FoldedSession([Detection("a"), Detection("b")])
    >>> session.apply(pb.SessionEvent(created=pb.Session(session_id="main")))
    >>> session.constraints.component_count, session.id_of(Founder(1))
    (2, 'ind-b')
    """

    def __init__(self, detections: Sequence[Detection]) -> None:
        self.detections = detections
        self.item_of = {detection.detection_id: item for item, detection in enumerate(detections)}
        self.position = 0
        self.session = pb.Session()
        self.register = Register()
        self.changes: dict[int, individuals_pb2.IndividualsChanged] = {}
        """Changes of individuals by position, undone ones too."""
        self.undone: set[int] = set()
        self.constraints = Closure(len(detections))
        self.outcomes: dict[str, LabelOutcome] = {}
        self._given: dict[str, pb.Label] = {}

    def apply(self, event: pb.SessionEvent) -> None:
        """Apply one event."""
        before = self.constraints.component_ids()
        self.position += 1
        touched: set[int] = set()
        match event.WhichOneof("event"):
            case "created":
                self.session.CopyFrom(event.created)
                touched.update(range(len(self.detections)))
            case "updated":
                self.session.MergeFrom(event.updated.settings)
            case "labelled":
                self._given |= {label.label_id: label for label in event.labelled.labels}
            case "retracted":
                for label_id in event.retracted.label_ids:
                    self._given.pop(label_id, None)
                left = {_position(label_id) for label_id in self._given}
                gone = {_position(label_id) for label_id in event.retracted.label_ids} - left
                touched |= self.register.founders.forget(gone)
            case "changed":
                touched |= self._change(event.changed)
        self.constraints, self.outcomes = self.rebuilt(self.labels().values())
        touched.update(differing(before, self.constraints.component_ids()).tolist())
        self.register.settle(self.constraints, touched, self.position)

    def labels(self, *, without: int | None = None) -> dict[str, pb.Label]:
        """The labels that stand by id, statements of people's changes too. without: as if it were undone."""
        standing = self.changes.keys() - self.undone - {without}
        superseded = {i for position in standing for i in self.changes[position].superseded_label_ids}
        stated = dict(self._given)
        for position in sorted(standing):
            stated |= self.stated(position)
        return {label_id: label for label_id, label in stated.items() if label_id not in superseded}

    def given(self, label_ids: Iterable[str]) -> list[pb.Label]:
        """Those of some labels that were not retracted."""
        known = self._given | {i: label for p in self.changes for i, label in self.stated(p).items()}
        return [known[label_id] for label_id in label_ids if label_id in known]

    def stated(self, position: int) -> dict[str, pb.Label]:
        """The statements of the change at a position, as labels by id."""
        change = self.changes[position]
        labels = {}
        for number, pair in enumerate(change.pairs, start=1):
            label = pb.Label(label_id=f"{position}-{number}", annotator_id=change.annotator_id)
            label.first_detection_id = pair.first_detection_id
            label.second_detection_id = pair.second_detection_id
            label.answer = pb.ANSWER_SAME if pair.same else pb.ANSWER_DIFFERENT
            labels[label.label_id] = label
        return labels

    def rebuilt(
        self,
        labels: Iterable[pb.Label],
        certain: Iterable[LabelledPair] = (),
        overrides: Overrides | None = None,
    ) -> tuple[Closure, dict[str, LabelOutcome]]:
        """The closure of labels, and the outcome of each; what people decided comes first."""
        constraints = Closure(len(self.detections))
        assume(constraints, Assumptions(self.same_image(), self.names(overrides or self.overrides())))
        pairs = sorted([*map(self.labelled_pair, labels), *certain], key=lambda pair: not pair.certain)
        return constraints, {pair.label_id: constraints.apply(pair) for pair in pairs}

    def labelled_pair(self, label: pb.Label) -> LabelledPair:
        """A label as the constraints take it."""
        first, second = self.item_of[label.first_detection_id], self.item_of[label.second_detection_id]
        certain = _position(label.label_id) in self.changes
        return LabelledPair(label.label_id, first, second, Answer(label.answer), certain=certain)

    def same_image(self) -> list[tuple[int, int]]:
        """The pairs of items that one image shows."""
        pairs = itertools.combinations(enumerate(self.detections), 2)
        return [(a, b) for (a, one), (b, d) in pairs if one.image_id and one.image_id == d.image_id]

    def names(self, overrides: Overrides) -> dict[int, str]:
        """The known names that are believed, by item."""
        if self.session.known_individuals not in (0, KnownIndividuals.BELIEVED):
            return {}
        named = {item: known_name(d.individual_id) for item, d in enumerate(self.detections)}
        return overrides.names({item: name for item, name in named.items() if name})

    def overrides(self, *, without: int | None = None) -> Overrides:
        """The known names that changes superseded. without: as if this change were undone."""
        made = Overrides()
        for position in sorted(self.changes.keys() - self.undone - {without}):
            change = self.changes[position]
            made.add(map(self._fact, change.superseded_facts), merged=change.HasField("merged"))
        return made

    def founder(self, text: str) -> Founder | None:
        """The identity with this id; None for a text that is no id of a detection here."""
        own = read_individual_id(text)
        return Founder(self.item_of[own[0]], own[1]) if own and own[0] in self.item_of else None

    def id_of(self, founder: Founder) -> str:
        """The id of an identity."""
        return individual_id(self.detections[founder.item].detection_id, founder.copy)

    def individual(self, item: int) -> Registered:
        """The individual of an item."""
        return self.register.individual(self.constraints, item)

    def find(self, individual_id: str) -> Registered:
        """An individual by its id or an alias. Raises NotFoundError."""
        founder = self.founder(individual_id)
        item = None if founder is None else self.register.find(founder)
        if item is None:
            raise NotFoundError(
                f"session {self.session.session_id!r} has no individual {individual_id!r}; list the "
                "individuals to see their ids"
            )
        return self.individual(item)

    def items(self, detection_ids: Iterable[str]) -> frozenset[int]:
        """The items of detections. Raises NotFoundError."""
        try:
            return frozenset(self.item_of[detection_id] for detection_id in detection_ids)
        except KeyError as error:
            raise NotFoundError(
                f"the session has no detection {error.args[0]!r}; leave it out, or add it first"
            ) from None

    def concerned(self, changed: individuals_pb2.IndividualsChanged) -> set[int]:
        """An item of each individual that a change concerns."""
        if changed.HasField("undone"):
            return self.concerned(self.changes[changed.undone.position])
        ids = [i for pair in changed.pairs for i in (pair.first_detection_id, pair.second_detection_id)]
        ids += [*changed.split.detection_ids, *changed.moved.detection_ids]
        ids += [anchor.detection_id for anchor in changed.anchors]
        named = [changed.updated.individual.individual_id, changed.merged.individual_id]
        named += [*changed.merged.merged_individual_ids, changed.split.individual_id]
        named += [changed.moved.individual_id, *(anchor.individual_id for anchor in changed.anchors)]
        founders = [founder for founder in map(self.founder, named) if founder is not None]
        found = {self.register.find(founder) for founder in founders} - {None}
        return {self.item_of[i] for i in ids} | {item for item in found if item is not None}

    def progress(self) -> pb.Progress:
        """The session's progress, without estimates and guarantees."""
        count = self.constraints.component_count
        answers = Counter(label.answer for i, label in self.labels().items() if i in self._given)
        return pb.Progress(
            detections=self.constraints.items,
            same=answers[pb.ANSWER_SAME],
            different=answers[pb.ANSWER_DIFFERENT],
            not_comparable=answers[pb.ANSWER_NOT_COMPARABLE],
            skipped=answers[pb.ANSWER_SKIP],
            conflicts=len(self.constraints.contradictions),
            individuals=count,
            same_pairs=self.constraints.positives,
            summary=f"{count} individuals from {sum(answers.values())} answers",
            position=self.position,
            trust=self.session.trust or pb.TRUST_SINGLE,
        )

    def _change(self, changed: individuals_pb2.IndividualsChanged) -> set[int]:
        """Take in a change by a person; returns the items concerned."""
        position, founders = self.position, self.register.founders
        self.changes[position] = changed
        touched = self.concerned(changed)
        match changed.WhichOneof("change"):
            case "updated":
                said = changed.updated.individual
                paths = tuple(changed.updated.paths)
                fields = tuple("dead_since_s" if path == "dead_since" else path for path in paths)
                update = Update(position, fields, _attributes(said))
                founders.update(self._founder(said.individual_id), update)
            case "merged":
                others = [self._founder(i) for i in changed.merged.merged_individual_ids]
                founders.keep(self._founder(changed.merged.individual_id), others, position)
            case "split":
                founders.found([self._founder(changed.split.individual_id)], position)
            case "moved":
                moved = founders.ranked(self.item_of[i] for i in changed.moved.detection_ids)
                founders.keep(self._founder(changed.moved.individual_id), moved, position)
            case "undone":
                self.undone.add(changed.undone.position)
                touched |= founders.forget({changed.undone.position})
        for anchor in changed.anchors:
            founders.move(self._founder(anchor.individual_id), self.item_of[anchor.detection_id], position)
        return touched

    def _founder(self, text: str) -> Founder:
        founder = self.founder(text)
        if founder is None:
            raise NotFoundError(f"the detection of individual {text!r} was deleted; add it again")
        return founder

    def _fact(self, evidence: session_facts_pb2.Evidence) -> Fact:
        first = self.item_of[evidence.pair.first_detection_id]
        second = self.item_of[evidence.pair.second_detection_id]
        return Fact(Source(evidence.source), first, second, tuple(evidence.names))


def _attributes(message: individuals_pb2.Individual) -> Attributes:
    one = individual_value([message])
    return Attributes(one.display_name, one.sex, one.status, one.dead_since_s, one.notes, one.tags)


def _position(label_id: str) -> int:
    """Position of the event that a label came with."""
    return int(label_id.partition("-")[0])
