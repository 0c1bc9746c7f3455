"""Times as texts, enums as words, and words for chances and ranks."""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo

# the least chance of each word; those of the IPCC, shortened (docs/research/provenance.md)
CHANCES = (
    (0.9, "very likely"),
    (0.66, "likely"),
    (0.33, "about as likely as not"),
    (0.1, "unlikely"),
    (0.0, "very unlikely"),
)
# words by which candidates are ordered while no chance was measured
RANKS = ("best candidate", "another candidate")


def instant(seconds: float | None, zone: tzinfo = UTC) -> str | None:
    """An instant in ISO 8601 to the second; None if it is unknown."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, tz=zone).isoformat(timespec="seconds").replace("+00:00", "Z")


def zone_name(seconds: float | None, zone: tzinfo) -> str:
    """The abbreviation of a zone at an instant, e.g. "EAT"."""
    return "" if seconds is None else datetime.fromtimestamp(seconds, tz=zone).tzname() or ""


def word(member: enum.Enum | None) -> str:
    """A member of an enum as the page writes it; "" for None."""
    return "" if member is None else member.name.lower()


def chance(score: float) -> str:
    """A chance from 0 to 1 as words; "" for 0: a check of an earlier answer, or a random pair.

    >>> chance(0.71), chance(0.02), chance(0.0)
    ('likely', 'very unlikely', '')
    """
    return next(name for least, name in CHANCES if score >= least) if score > 0 else ""


def chances(scores: Sequence[float], *, calibrated: bool) -> list[str]:
    """Words for the candidates of a question, the likeliest first: chances if they were measured, or ranks.

    >>> chances([0.97, 0.94], calibrated=False)
    ['best candidate', 'another candidate']
    """
    if calibrated:
        return [chance(score) for score in scores]
    return [RANKS[min(index, len(RANKS) - 1)] for index in range(len(scores))]


def number(value: float | None) -> float | None:
    """A number that JSON can hold; None for what is not finite."""
    return value if value is not None and math.isfinite(value) else None
