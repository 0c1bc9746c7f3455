"""The individuals of a session as messages."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from services.common.rpc import checks
from services.sampler.facts.roster import Roster
from services.sampler.facts.session_facts import SessionFacts
from spotted import messages
from spotted.constraints.interface import Constraints
from spotted.individuals.attributes import Attributes, Status
from spotted.individuals.founders import Founder
from spotted.individuals.naming import individual_id
from spotted.individuals.register import Register, Registered
from spotted.v1 import sampler_pb2 as pb
from spotted.v1.individuals_pb2 import Alias, Individual, IndividualStatus, Sex

# bytes that a detection id takes besides its characters
ID_BYTES = 4
UNDESCRIBED = Attributes()


@dataclass(frozen=True, slots=True)
class Part:
    """An individual, or the part of one whose detections do not fit into a message with the others."""

    one: Registered
    """The individual."""
    detection_ids: Sequence[str]
    """Its detections, or some of them."""
    first: bool = True
    """True for the first part."""


@dataclass(frozen=True, slots=True)
class Catalogued:
    """The items that the catalogue names."""

    entries: Mapping[int, str] = field(default_factory=dict)
    """The entry of each item that has one."""
    names: Mapping[str, str] = field(default_factory=dict)
    """The name of each entry; "" without one."""
    foreign: Collection[int] = ()
    """The items of other surveys, which messages leave out."""

    def describe(self, members: Iterable[int], message: Individual) -> None:
        """Add the entries of an individual's items to its message."""
        found = sorted({self.entries[item] for item in members if item in self.entries})
        message.catalogue_entry_ids.extend(found)
        if len(found) == 1:
            message.catalogue_name = self.names.get(found[0], "")


# in a session that draws on no other survey
NOTHING = Catalogued()


def catalogued(session: pb.Session, facts: SessionFacts, roster: Roster) -> Catalogued:
    """The items of a session that the catalogue names."""
    if not session.catalogue_survey_ids:
        return NOTHING
    return Catalogued(facts.entries(), facts.entry_names, roster.foreign)


@dataclass(frozen=True, slots=True)
class Individuals:
    """The individuals of a session at one moment."""

    register: Register
    constraints: Constraints
    detection_ids: Sequence[str]
    """Detection id of each item."""
    catalogued: Catalogued = NOTHING

    def of(self, item: int) -> Part:
        """The individual of an item, with all its detections."""
        one = self.register.individual(self.constraints, item)
        return Part(one, sorted(self.detection_ids[member] for member in self._own(one)))

    def parts(self, founders: Collection[Founder] | None = None) -> list[Part]:
        """The individuals with these identities, or all: largest first; equal sizes by id."""
        wanted = self.register.present() if founders is None else founders
        found = [self.of(self.register.founders.anchor(founder)) for founder in wanted]
        found.sort(key=lambda whole: (-len(whole.detection_ids), self.id_of(whole.one.founder)))
        return [part for whole in found for part in _parts(whole)]

    def messages(self) -> list[Individual]:
        """All individuals, largest first; those beyond a message come in several parts."""
        return list(map(self.message, self.parts()))

    def message(self, part: Part) -> Individual:
        """An individual, or a part of one."""
        one = part.one
        message = Individual(individual_id=self.id_of(one.founder), detection_ids=part.detection_ids)
        if not part.first:
            return message
        message.position, message.detection_count = one.position, len(self._own(one))
        said = self.register.attributes(one.founder)
        if said != UNDESCRIBED:
            message.MergeFrom(_described(said))
        message.aliases.extend(
            Alias(individual_id=self.id_of(alias), display_name=self.register.attributes(alias).display_name)
            for alias in one.aliases
        )
        self.catalogued.describe(one.members, message)
        return message

    def _own(self, one: Registered) -> Sequence[int]:
        """The items of an individual that belong to the session's survey."""
        foreign = self.catalogued.foreign
        return [item for item in one.members if item not in foreign] if foreign else one.members

    def id_of(self, founder: Founder) -> str:
        """The id of an identity."""
        return individual_id(self.detection_ids[founder.item], founder.copy)


def _described(said: Attributes) -> Individual:
    return Individual(
        display_name=said.display_name,
        sex=Sex.ValueType(said.sex),
        status=IndividualStatus.ValueType(said.status),
        dead_since=messages.timestamp(said.dead_since_s) if said.status is Status.DEAD else None,
        notes=said.notes,
        tags=said.tags,
    )


def _parts(whole: Part) -> Iterator[Part]:
    """An individual in parts that fit into a page, usually one."""
    rest, first = whole.detection_ids, True
    while rest:
        count = checks.fitting([len(i.encode()) + ID_BYTES for i in rest])
        yield Part(whole.one, rest[:count], first)
        rest, first = rest[count:], False
