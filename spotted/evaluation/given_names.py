"""Agreement of the names that people gave to individuals with the known names of their detections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OtherName:
    """A name that people gave to detections which are known by another one."""

    given: str
    """The name that people gave."""
    known: str
    """The known name."""
    detections: int
    """Number of detections with these two names."""


@dataclass(frozen=True, slots=True)
class NameAgreement:
    """How many detections have the name by which they are known.

    >>> compare_names(["Sita", "sita", ""], ["Sita", "Gita", "Gita"]).others
    (OtherName(given='sita', known='Gita', detections=1),)
    """

    detections: int
    """Detections with a given and a known name."""
    agreeing: int
    """Those of which both are the same, in upper or lower case."""
    others: tuple[OtherName, ...]
    """The names that differ, most detections first; equal numbers by name."""


def compare_names(given: Sequence[str], known: Sequence[str]) -> NameAgreement:
    """Compare the names of detections. given, known: of each detection, "" for one without a name."""
    both = Counter((one, other) for one, other in zip(given, known, strict=True) if one and other)
    differing = [
        OtherName(one, other, count)
        for (one, other), count in both.items()
        if one.strip().casefold() != other.strip().casefold()
    ]
    return NameAgreement(
        detections=both.total(),
        agreeing=both.total() - sum(one.detections for one in differing),
        others=tuple(sorted(differing, key=lambda one: (-one.detections, one.given, one.known))),
    )
