"""Statements about entries as the facts that they set: attributes, merges, splits and removals."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

from spotted.catalogue.additions import unlike
from spotted.catalogue.entries import CatalogueView, Entry, entry_id
from spotted.catalogue.facts import Attribute, Fact, Facts, Link, Member, Membership, Value
from spotted.errors import ConcurrencyError, InvalidInputError, NotFoundError


def update(entry: Entry, values: Mapping[str, Value], etag: str) -> dict[Fact, Value]:
    """Set attributes of an entry; None removes one. Raises ConcurrencyError if its etag is another one.

    >>> update(Entry("cat-a", (), {}), {"display_name": "Sita"}, "")
    {Attribute(entry_id='cat-a', name='display_name'): 'Sita'}
    """
    if etag and etag != entry.etag:
        raise ConcurrencyError(
            f"entry {entry.entry_id!r} changed since it was read; read it again and repeat"
        )
    facts: dict[Fact, Value] = {}
    for path, value in values.items():
        facts[Attribute(entry.entry_id, path)] = value
        if value is None:
            # that of an alias would show instead
            facts.update(dict.fromkeys(Attribute(alias, path) for alias, _ in entry.aliases))
    return facts


def merge(view: CatalogueView, entry_ids: Sequence[str], specs: Mapping[str, object]) -> dict[Fact, Value]:
    """Make entries one; the first keeps its id. specs: how the vectors of each survey are made.

    Raises NotFoundError, InvalidInputError, DigestMismatchError.
    """
    chief, *others = (view.find(each) for each in entry_ids)
    for other in others:
        if other.entry_id == chief.entry_id:
            raise InvalidInputError(
                f"entries {entry_ids[0]!r} and {other.entry_id!r} are one already; name others",
                field="merged_entry_ids",
            )
        _check_alike(specs, chief.members, other.members, other.entry_id)
    return {Link(chief.entry_id, other.entry_id): True for other in others}


def split(
    facts: Facts, entry: Entry, members: Sequence[Member], target: Entry | None, specs: Mapping[str, object]
) -> dict[Fact, Value]:
    """Move members of an entry to another one, to a new one if it is None. specs: as in `merge`.

    Raises NotFoundError, InvalidInputError, DigestMismatchError.
    """
    if target == entry:
        raise InvalidInputError(
            f"entry {entry.entry_id!r} has these detections; name another entry", field="to_entry_id"
        )
    for member in members:
        if member not in entry.members:
            raise _no_member(member)
    if target is not None:
        _check_alike(specs, target.members, members, entry.entry_id)
    to = target.entry_id if target else entry_id(uuid.uuid4().hex)
    held = {member: facts.known[member] for member in members}
    return {
        member: Membership(to, value.image) for member, value in held.items() if isinstance(value, Membership)
    }


def remove(view: CatalogueView, members: Sequence[Member]) -> dict[Fact, Value]:
    """Take members out of their entries. Raises NotFoundError for one that is in none."""
    for member in members:
        if view.of(member) is None:
            raise _no_member(member)
    return dict.fromkeys(members)


def _no_member(member: Member) -> NotFoundError:
    return NotFoundError(
        f"detection {member.detection_id!r} of survey {member.survey_id!r} is in no such entry; list the "
        "entries to see their members"
    )


def _check_alike(
    specs: Mapping[str, object], first: Sequence[Member], second: Sequence[Member], about: str
) -> None:
    """Raise DigestMismatchError unless the vectors of members are made alike. about: what has the second."""
    made = [specs[members[0].survey_id] for members in (first, second) if members]
    if any(spec != made[0] for spec in made):
        raise unlike(about)
