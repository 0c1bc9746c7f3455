"""Facts about items that hold besides labels: a shared image, a known name, a shared encounter."""

from __future__ import annotations

import enum
from dataclasses import dataclass

# texts that people write when they do not know the animal, in lower case; they are not names
UNKNOWN_NAMES = frozenset(
    {"?", "-", "____", "n/a", "na", "no_id", "none", "null", "unidentifiable", "unidentified", "unknown"}
)


class Source(enum.IntEnum):
    """Where a fact comes from; the values are those of `spotted.v1.EvidenceSource`, 0 is unspecified.

    >>> Source.KNOWN.name
    'KNOWN'
    """

    IMAGE = 1
    """One image shows both: two animals."""
    KNOWN = 2
    """Both were named before the session: one animal if the names are equal, otherwise two."""
    ENCOUNTER = 3
    """Both flanks of one encounter: one animal."""


class KnownIndividuals(enum.IntEnum):
    """How a session uses the names that its survey has; the values are those of `spotted.v1`.

    >>> [use.name.lower() for use in KnownIndividuals]
    ['believed', 'suggested', 'ignored']
    """

    BELIEVED = 1
    """Detections of one name are one animal, of two names two."""
    SUGGESTED = 2
    """Pairs of one name are asked first; nothing is implied."""
    IGNORED = 3
    """Names are not read."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A statement of one source about two items.

    >>> Fact(Source.KNOWN, 0, 1, ("Mvula",)).same, Fact(Source.KNOWN, 0, 2, ("Mvula", "Nandi")).same
    (True, False)
    """

    source: Source
    first: int
    second: int
    names: tuple[str, ...] = ()
    """KNOWN: the name of both, or the name of each. ENCOUNTER: the encounter's id. IMAGE: empty."""

    @property
    def same(self) -> bool:
        """True if both are one animal by this fact."""
        return self.source is not Source.IMAGE and len(self.names) == 1


def known_name(individual_id: str) -> str:
    """The name of an animal, "" if the text says that it is unknown.

    >>> known_name("Mvula"), known_name(" Unknown ")
    ('Mvula', '')
    """
    name = individual_id.strip()
    return "" if name.casefold() in UNKNOWN_NAMES else name
