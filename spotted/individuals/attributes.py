"""Attributes of individuals: names, sex, status, notes and tags, set by people."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, replace


class Sex(enum.IntEnum):
    """The sex of an animal; the values are those of `spotted.v1`, 0 is unknown.

    >>> Sex(1)
    <Sex.FEMALE: 1>
    """

    UNKNOWN = 0
    """Nobody said."""
    FEMALE = 1
    """Female."""
    MALE = 2
    """Male."""


class Status(enum.IntEnum):
    """Whether an animal can still be met; the values are those of `spotted.v1`, 0 is unknown.

    >>> Status(2)
    <Status.DEAD: 2>
    """

    UNKNOWN = 0
    """Nobody said."""
    ALIVE = 1
    """Known to be alive."""
    DEAD = 2
    """Known to be dead."""
    UNIDENTIFIABLE = 3
    """Its photographs cannot tell who it is."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """The attributes of an individual."""

    display_name: str = ""
    """The name that people call it by; "" without one."""
    sex: Sex = Sex.UNKNOWN
    """Its sex."""
    status: Status = Status.UNKNOWN
    """Whether it can still be met."""
    dead_since_s: float | None = None
    """When it died or was found dead, UTC seconds since 1970; None if unknown."""
    notes: str = ""
    """Free text."""
    tags: tuple[str, ...] = ()
    """Free words, in the order given."""


@dataclass(frozen=True, slots=True)
class Update:
    """One update of some attributes."""

    position: int
    """Position of its event in the journal."""
    fields: tuple[str, ...]
    """Names of the attributes that it sets."""
    values: Attributes
    """Their new values; the others are ignored."""


def updated(updates: Iterable[Update]) -> Attributes:
    """The attributes after these updates, in their order.

    >>> first = Update(2, ("display_name", "sex"), Attributes("Sita", Sex.FEMALE))
    >>> updated([first, Update(3, ("display_name",), Attributes("Gita"))]).display_name
    'Gita'
    """
    attributes = Attributes()
    for update in updates:
        attributes = replace(attributes, **{name: getattr(update.values, name) for name in update.fields})
    return attributes
