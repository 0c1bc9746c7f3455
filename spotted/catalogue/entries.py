"""The entries of a catalogue as a reader sees them, who may read only some surveys."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from spotted.catalogue.facts import Attribute, Fact, Facts, Link, Member, Membership, Value
from spotted.errors import NotFoundError

NAME = "display_name"
_ID = re.compile(r"cat-[0-9a-f]{16}")


def entry_id(digits: str) -> str:
    """The id of a new entry. digits: at least 16 random hexadecimal digits.

    >>> entry_id("0123456789abcdef0123"), is_entry_id("cat-sita")
    ('cat-0123456789abcdef', False)
    """
    return f"cat-{digits[:16]}"


def is_entry_id(text: str) -> bool:
    """Whether a text has the form of an entry's id, so that nobody is called that."""
    return _ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Entry:
    """An animal of the catalogue."""

    entry_id: str
    members: tuple[Member, ...]
    """Ordered by survey and detection."""
    attributes: Mapping[str, Value]
    """The attributes that are known; those of aliases count where its own are missing."""
    aliases: tuple[tuple[str, str], ...] = ()
    """Id and name of each entry that became part of it, ordered by id."""

    @property
    def name(self) -> str:
        """Its display name; "" without one."""
        return str(self.attributes.get(NAME) or "")

    @property
    def etag(self) -> str:
        """A tag that changes with everything that a reader sees of the entry."""
        seen = (self.entry_id, self.aliases, sorted(self.attributes.items()))
        members = [(member.survey_id, member.detection_id) for member in self.members]
        return hashlib.sha256(repr((seen, members)).encode()).hexdigest()[:16]


class CatalogueView:
    """The entries that a reader sees.

    An entry is seen if it ever had a member of a survey that the reader may access, and still has such a
    member, an attribute or a link to another entry that is seen. Links also join entries through others that
    are not seen, since who is who does not depend on the reader.

    >>> from spotted.catalogue.facts import Change
    >>> facts = Facts()
    >>> for change in (
    ...     Change("1", {Member("2024", "d1"): Membership("cat-a", b""), Attribute("cat-a", NAME): "Sita"}),
    ...     Change("2", {Member("2025", "d9"): Membership("cat-b", b"")}),
    ...     Change("3", {Link("cat-a", "cat-b"): True}),
    ... ):
    ...     facts.apply(change)
    >>> (entry,) = CatalogueView(facts).entries
    >>> isinstance(entry, Entry), entry.entry_id, entry.name
    (True, 'cat-a', 'Sita')
    >>> only = CatalogueView(facts, lambda survey_id: survey_id == "2025")
    >>> [(entry.entry_id, entry.name, len(entry.members)) for entry in only.entries]
    [('cat-b', '', 1)]
    """

    def __init__(self, facts: Facts, sees: Callable[[str], bool] | None = None) -> None:
        """Look at the facts as they are now. sees: whether the reader may access a survey; None for all."""
        self._facts = facts
        self._sees = sees
        self._own: dict[str, list[Member]] = defaultdict(list)
        attributes: dict[str, dict[str, Value]] = defaultdict(dict)
        joined, links = _Groups(), []
        for fact, value in facts.known.items():
            if isinstance(fact, Member) and isinstance(value, Membership) and self._survey(fact.survey_id):
                self._own[value.entry_id].append(fact)
            elif isinstance(fact, Attribute) and self._entry(fact.entry_id):
                attributes[fact.entry_id][fact.name] = value
            elif isinstance(fact, Link):
                joined.join(fact.entry_id, fact.merged_entry_id)
                links += [fact] if self._entry(fact.entry_id) and self._entry(fact.merged_entry_id) else []
        merged = {link.merged_entry_id for link in links}
        groups: dict[str, list[str]] = defaultdict(list)
        for entry_id in sorted({*self._own, *attributes, *(link.entry_id for link in links), *merged}):
            groups[joined.root(entry_id)].append(entry_id)
        self._of: dict[str, Entry] = {}
        entries = [self._entry_of(ids, merged, attributes) for ids in groups.values()]
        self.entries = sorted(entries, key=lambda e: (not e.name, e.name.casefold(), e.name, e.entry_id))
        """The entries, ordered by name, then by id; those without a name come last."""

    def find(self, entry_id: str) -> Entry:
        """An entry by its id or an alias. Raises NotFoundError."""
        if entry_id not in self._of:
            raise NotFoundError(f"the catalogue has no entry {entry_id!r}; list its entries to see their ids")
        return self._of[entry_id]

    def those(self, entry_ids: Iterable[str]) -> list[Entry]:
        """The entries of ids or aliases, those that are seen, each once, by id."""
        found = {self._of[i].entry_id: self._of[i] for i in entry_ids if i in self._of}
        return [found[i] for i in sorted(found)]

    def of(self, member: Member) -> Entry | None:
        """The entry that has a detection; None if there is none."""
        value = self._facts.known.get(member)
        if not isinstance(value, Membership) or not self._survey(member.survey_id):
            return None
        return self._of[value.entry_id]

    def named(self, name: str) -> list[Entry]:
        """The entries with a name, their own or of an alias, in upper or lower case."""
        wanted = name.casefold()
        return [
            entry
            for entry in self.entries
            if wanted in {entry.name.casefold(), *(alias.casefold() for _, alias in entry.aliases)}
        ]

    def shows(self, change_id: str) -> bool:
        """Whether the reader sees a change: all that it concerns."""
        if self._sees is None:
            return True
        change, _ = self._facts.changes[change_id]
        members = all(self._sees(fact.survey_id) for fact in change.facts if isinstance(fact, Member))
        return members and all(self._entry(entry_id) for entry_id in self._facts.concerned(change_id))

    def last_seen(self) -> str:
        """The last change that set a fact which the reader sees; "" without one."""
        for change_id, (change, _) in reversed(self._facts.changes.items()):
            if any(map(self._fact, change.facts)):
                return change_id
        return ""

    def _fact(self, fact: Fact) -> bool:
        if isinstance(fact, Member):
            return self._survey(fact.survey_id)
        if isinstance(fact, Link):
            return self._entry(fact.entry_id) and self._entry(fact.merged_entry_id)
        return self._entry(fact.entry_id)

    def _survey(self, survey_id: str) -> bool:
        return self._sees is None or self._sees(survey_id)

    def _entry(self, entry_id: str) -> bool:
        surveys = self._facts.surveys.get(entry_id, ())
        return self._sees is None or any(self._sees(survey_id) for survey_id in surveys)

    def _entry_of(
        self, ids: list[str], merged: Collection[str], attributes: Mapping[str, Mapping[str, Value]]
    ) -> Entry:
        """The entry of several ids, ordered, that are one animal."""
        chief = min(ids, key=lambda entry_id: (entry_id in merged, entry_id))
        known: dict[str, Value] = {}
        for entry_id in (chief, *ids):
            known = {**attributes.get(entry_id, {}), **known}
        others = [entry_id for entry_id in ids if entry_id != chief]
        aliases = tuple((i, str(attributes.get(i, {}).get(NAME) or "")) for i in others)
        members = tuple(sorted(m for i in ids for m in self._own.get(i, ())))
        entry = Entry(chief, members, known, aliases)
        self._of.update(dict.fromkeys(ids, entry))
        return entry


class _Groups:
    """Entries that are one animal, joined one pair at a time."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def root(self, entry_id: str) -> str:
        """One id for all entries of a group."""
        while (above := self._above.get(entry_id, entry_id)) != entry_id:
            self._above[entry_id] = self._above.get(above, above)
            entry_id = above
        return entry_id

    def join(self, first: str, second: str) -> None:
        """Make two groups one."""
        self._above[self.root(second)] = self.root(first)
