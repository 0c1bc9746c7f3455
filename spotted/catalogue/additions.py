"""Decisions on members to add: which entry each animal belongs to, and why it is refused."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from spotted.catalogue.entries import NAME, CatalogueView, Entry, entry_id
from spotted.catalogue.facts import Attribute, Fact, Member, Membership, Value
from spotted.errors import AlreadyExistsError, DigestMismatchError, NotFoundError

MOST_NAMESAKES = 10


@dataclass(frozen=True, slots=True)
class Addition:
    """An animal to add."""

    entry_id: str
    """The entry that it is; "" to find one."""
    detection_ids: Sequence[str]
    attributes: Mapping[str, Value]
    """The attributes that are known."""


@dataclass(frozen=True, slots=True)
class Added:
    """An animal that was added."""

    entry_id: str
    """The entry that has its detections now."""
    added: int
    """Number of detections that were added."""
    unchanged: int
    """Number of detections that were members before."""
    created: bool
    """Whether the entry is new."""
    same_name: tuple[str, ...]
    """Other entries of the same name."""


@dataclass(frozen=True, slots=True)
class Source:
    """The survey that animals come from."""

    survey_id: str
    """Its id within the organisation."""
    images: Mapping[str, bytes]
    """A digest of the vector of each detection that it has."""
    spec: object
    """How its vectors are made."""


@dataclass(slots=True)
class Additions:
    """Animals added to a catalogue, one after the other; those before count for those after."""

    view: CatalogueView
    specs: Mapping[str, object]
    """How the vectors of each survey of the catalogue are made."""
    source: Source
    names_identify: bool
    facts: dict[Fact, Value] = field(default_factory=dict)
    """Value of each fact after them."""
    _new: dict[str, str] = field(default_factory=dict)
    """The new entries with a name, by name in lower case."""

    def add(self, one: Addition) -> Added:
        """Add an animal. Raises NotFoundError, AlreadyExistsError, DigestMismatchError if it is refused."""
        for detection_id in one.detection_ids:
            if detection_id not in self.source.images:
                raise NotFoundError(
                    f"detection {detection_id!r} is not in survey {self.source.survey_id!r}; correct its id, "
                    f"or store it first, e.g. with `spotted embed {self.source.survey_id}`"
                )
        members = [Member(self.source.survey_id, detection_id) for detection_id in one.detection_ids]
        entries = [self.view.of(member) for member in members]
        target = self._target(one, entries)
        name = str(one.attributes.get(NAME) or "")
        found = target.entry_id if target else self._namesake(name)
        chosen = found or entry_id(uuid.uuid4().hex)
        new = [member for member, entry in zip(members, entries, strict=True) if entry is None]
        for member in new:
            self.facts[member] = Membership(chosen, self.source.images[member.detection_id])
        known = target.attributes if target else {}
        for path, value in one.attributes.items():
            fact = Attribute(chosen, path)
            if path not in known and fact not in self.facts:
                self.facts[fact] = value
        if name and not found:
            self._new.setdefault(name.casefold(), chosen)
        others = [e.entry_id for e in self.view.named(name) if e.entry_id != chosen] if name else []
        same_name = tuple(others[:MOST_NAMESAKES])
        return Added(chosen, len(new), len(members) - len(new), not found, same_name)

    def _target(self, one: Addition, entries: Sequence[Entry | None]) -> Entry | None:
        """The entry that an animal is; None for a new one."""
        having = {entry.entry_id: entry for entry in entries if entry is not None}
        target = self.view.find(one.entry_id) if one.entry_id else None
        others = sorted(having.keys() - ({target.entry_id} if target else set()))
        if target is None and len(others) == 1:
            target = having[others.pop()]
        if others:
            raise AlreadyExistsError(
                f"some of the detections belong to {' and '.join(others)}; split them off first, or merge "
                "the entries if they are one animal"
            )
        if target is None and self.names_identify and one.attributes.get(NAME):
            target = self._only_one(self.view.named(str(one.attributes[NAME])))
        if target is not None and target.members:
            spec = self.specs[target.members[0].survey_id]
            if spec != self.source.spec:
                raise unlike(target.entry_id)
        return target

    def _only_one(self, named: Sequence[Entry]) -> Entry | None:
        if len(named) > 1:
            ids = ", ".join(entry.entry_id for entry in named[:MOST_NAMESAKES])
            raise AlreadyExistsError(
                f"several entries are named {named[0].name!r}: {ids}; name one of them by its id"
            )
        return named[0] if named else None

    def _namesake(self, name: str) -> str:
        """A new entry of this call with a name, if names identify animals."""
        return self._new.get(name.casefold(), "") if self.names_identify and name else ""


def unlike(about: str) -> DigestMismatchError:
    """The error for detections of an entry whose vectors were made otherwise."""
    return DigestMismatchError(
        f"the photographs of {about!r} were embedded with another backbone or preprocessing, and cannot be "
        "compared; embed both surveys alike"
    )
