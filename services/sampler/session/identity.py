"""The individuals of a session as its journal changes them: ids, attributes, and what changed when."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from services.common.session.changes import named_detections
from services.sampler.facts.roster import Roster
from services.sampler.labels.ledger import Ledger
from spotted import messages
from spotted.constraints.interface import Constraints
from spotted.facts.kinds import Fact, Source
from spotted.facts.overrides import Overrides
from spotted.individuals.attributes import Attributes, Sex, Status, Update
from spotted.individuals.register import Register
from spotted.v1 import sampler_pb2 as pb
from spotted.v1.individuals_pb2 import Individual, IndividualsChanged
from spotted.v1.session_facts_pb2 import Evidence

MARK_BYTES = 8


class Identity:
    """Ids and attributes of a session's individuals, kept beside its constraints."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        """The labels and changes that stand."""
        self.register = Register()
        """The individuals."""
        self._contrary: dict[int, list[Fact]] = {}
        self._touched: set[int] = set()
        self._marks: list[bytes] = []

    def mark(self, position: int) -> str:
        """A digest of the journal up to this position, which differs between journals; "" beyond its end."""
        return self._marks[position - 1].hex() if 1 <= position <= len(self._marks) else ""

    def touch(self, items: Iterable[int]) -> None:
        """Note that the individuals of these items may have changed."""
        self._touched.update(items)

    def retract(self, label_ids: list[str]) -> None:
        """Remove retracted labels, and what only they founded."""
        self.touch(self.register.founders.forget(self.ledger.retract(label_ids)))

    def add(self, roster: Roster, start: int, position: int) -> None:
        """Take in the detections from this item on; one that was there before gets another identity."""
        count = len(roster.detection_ids)
        self.register.strangers.update(item for item in roster.foreign if item >= start)
        self.touch(range(start, count))
        for item in range(start, count):
            first = roster.first_of[roster.detection_ids[item]]
            if first != item:
                self.register.founders.replace(first, item, position)

    def change(self, position: int, event: pb.SessionEvent, roster: Roster) -> bool:
        """Take in a change by a person; returns whether the labels that stand are others now."""
        changed = event.changed
        self.ledger.add(position, changed, event.create_time)
        self._contrary[position] = [_fact(one, roster) for one in changed.superseded_facts]
        self.touch(self.concerned(changed, roster))
        founder_of, item_of = roster.founder, roster.item_of
        founders = self.register.founders
        match changed.WhichOneof("change"):
            case "updated":
                said = changed.updated.individual
                paths = tuple(_FIELDS[path] for path in changed.updated.paths)
                update = Update(position, paths, attributes(said))
                founders.update(founder_of(said.individual_id), update)
            case "merged":
                merged = [founder_of(i) for i in changed.merged.merged_individual_ids]
                founders.keep(founder_of(changed.merged.individual_id), merged, position)
            case "split":
                founders.found([founder_of(changed.split.individual_id)], position)
            case "moved":
                moved = founders.ranked(item_of[i] for i in changed.moved.detection_ids)
                founders.keep(founder_of(changed.moved.individual_id), moved, position)
            case "undone":
                self.touch(founders.forget({changed.undone.position}))
                changed = self.ledger.changes[changed.undone.position].event
        if changed is event.changed:
            for anchor in changed.anchors:
                founders.move(founder_of(anchor.individual_id), item_of[anchor.detection_id], position)
        return bool(changed.pairs or changed.superseded_label_ids or changed.superseded_facts)

    def overrides(self, *, without: int | None = None) -> Overrides:
        """The facts that the changes that stand superseded. without: as if this change were undone."""
        made = Overrides()
        for position, facts in self._contrary.items():
            change = self.ledger.standing_change(position) if facts and position != without else None
            if change is not None:
                made.add(facts, merged=change.event.HasField("merged"))
        return made

    def concerned(self, changed: IndividualsChanged, roster: Roster) -> list[int]:
        """An item of each individual that a change concerns, undone or not."""
        if changed.HasField("undone"):
            changed = self.ledger.changes[changed.undone.position].event
        named = map(roster.founder, named_individuals(changed))
        found = [item for founder in named if (item := self.register.find(founder)) is not None]
        return [*(roster.item_of[i] for i in named_detections(changed)), *found]

    def settle(self, entry: bytes, position: int, constraints: Constraints) -> None:
        """Bring the individuals up to date after an event."""
        before = self._marks[-1] if self._marks else b""
        self._marks.append(hashlib.sha256(before + entry).digest()[:MARK_BYTES])
        self._touched.update(constraints.take_changed())
        if self._touched:
            self.register.settle(constraints, self._touched, position)
            self._touched.clear()


# attributes by the name of their field in the contract
_FIELDS = {
    "display_name": "display_name",
    "sex": "sex",
    "status": "status",
    "dead_since": "dead_since_s",
    "notes": "notes",
    "tags": "tags",
}
ATTRIBUTES = tuple(_FIELDS)


def _fact(evidence: Evidence, roster: Roster) -> Fact:
    pair = evidence.pair.first_detection_id, evidence.pair.second_detection_id
    first, second = (roster.item_of[i] for i in pair)
    return Fact(Source(evidence.source), first, second, tuple(evidence.names))


def attributes(message: Individual) -> Attributes:
    """The attributes of an individual from its message."""
    return Attributes(
        display_name=message.display_name,
        sex=Sex(message.sex),
        status=Status(message.status),
        dead_since_s=messages.optional_seconds(message, "dead_since"),
        notes=message.notes,
        tags=tuple(message.tags),
    )


def named_individuals(changed: IndividualsChanged) -> list[str]:
    """The ids of individuals that a change names."""
    anchored = [anchor.individual_id for anchor in changed.anchors]
    match changed.WhichOneof("change"):
        case "updated":
            return [changed.updated.individual.individual_id]
        case "merged":
            return [changed.merged.individual_id, *changed.merged.merged_individual_ids]
        case "split":
            return [changed.split.individual_id, *anchored]
        case "moved":
            return [changed.moved.individual_id, *anchored]
    return anchored
