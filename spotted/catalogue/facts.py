"""The facts of a catalogue, and changes of them: a change sets facts, and undoing it sets them back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from spotted.errors import NotFoundError, PreconditionError


@dataclass(frozen=True, slots=True, order=True)
class Member:
    """A detection of a survey; the fact which entry has it has a `Membership` as value."""

    survey_id: str
    detection_id: str


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of an entry; the fact has the attribute's value."""

    entry_id: str
    name: str
    """A field of `spotted.individuals.Attributes`."""


@dataclass(frozen=True, slots=True)
class Link:
    """Two entries; the fact that they are one animal has the value True."""

    entry_id: str
    """The one that keeps its id."""
    merged_entry_id: str


@dataclass(frozen=True, slots=True)
class Membership:
    """The entry that has a detection, and the image that the detection had when it was added."""

    entry_id: str
    image: bytes
    """A digest of its vector."""


Fact = Member | Attribute | Link
# None: nothing is known
Value = Membership | str | float | tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Change:
    """A change of facts."""

    change_id: str
    facts: Mapping[Fact, Value]
    """Value of each fact after it; None if the fact no longer holds."""


@dataclass(slots=True)
class Facts:
    """The facts that are known, and the changes that led to them.

    >>> facts = Facts()
    >>> member, link = Member("2025", "d1"), Link("cat-b", "cat-a")
    >>> name = Attribute("cat-a", "display_name")
    >>> facts.apply(Change("first", {member: Membership("cat-a", b""), name: "Sita", link: True}))
    >>> facts.apply(Change("second", facts.inverse("first")))
    >>> facts.known
    {}
    """

    known: dict[Fact, Value] = field(default_factory=dict)
    """Value of each fact that is known."""
    surveys: dict[str, set[str]] = field(default_factory=dict)
    """The surveys of which each entry ever had a member."""
    changes: dict[str, tuple[Change, Mapping[Fact, Value]]] = field(default_factory=dict)
    """Each change with what held before it, oldest first."""

    def apply(self, change: Change) -> None:
        """Set the facts of a change."""
        before = {fact: self.known.get(fact) for fact in change.facts}
        for fact, value in change.facts.items():
            if value is None:
                self.known.pop(fact, None)
            else:
                self.known[fact] = value
            if isinstance(fact, Member) and isinstance(value, Membership):
                self.surveys.setdefault(value.entry_id, set()).add(fact.survey_id)
        self.changes[change.change_id] = change, before

    def after(self, change_id: str) -> Facts:
        """The facts as they were after a change; "" for those before the first one.

        Raises NotFoundError for an unknown change.
        """
        earlier = Facts()
        if change_id and change_id not in self.changes:
            raise unknown_change(change_id)
        for change, _ in self.changes.values() if change_id else ():
            earlier.apply(change)
            if change.change_id == change_id:
                break
        return earlier

    def inverse(self, change_id: str) -> dict[Fact, Value]:
        """The facts that undo a change.

        Raises NotFoundError for an unknown change, PreconditionError if a later one set some of its facts.
        """
        if change_id not in self.changes:
            raise unknown_change(change_id)
        change, before = self.changes[change_id]
        if any(self.known.get(fact) != value for fact, value in change.facts.items()):
            raise PreconditionError(
                f"a later change concerns the same as change {change_id!r}; undo the later one first"
            )
        return dict(before)

    def concerned(self, change_id: str) -> Iterator[str]:
        """The entries that a change names, some of them more than once."""
        change, before = self.changes[change_id]
        for fact, value in (*change.facts.items(), *before.items()):
            if isinstance(value, Membership):
                yield value.entry_id
            if isinstance(fact, Attribute):
                yield fact.entry_id
            if isinstance(fact, Link):
                yield from (fact.entry_id, fact.merged_entry_id)


def unknown_change(change_id: str) -> NotFoundError:
    """The error for a change that does not exist, or that the reader may not see."""
    return NotFoundError(f"the catalogue has no change {change_id!r}; list its changes to see their ids")
