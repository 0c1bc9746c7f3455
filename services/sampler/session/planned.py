"""The latest round and audit of a session."""

from __future__ import annotations

from dataclasses import dataclass

from spotted.sampling.rounds import Pair


@dataclass(frozen=True, slots=True)
class Planned:
    """The basis and the result of the session's latest round."""

    top_k: int
    """Candidates per detection that were considered."""
    open_pairs: int
    """Candidate pairs that were open."""
    expected_pairs: float | None
    """Estimated pairs of one animal among them; None if there were too few answers for an estimate."""
    outdated: bool = False
    """Whether detections came or were corrected since."""


@dataclass(frozen=True, slots=True)
class AuditPairs:
    """The pairs of a random audit."""

    pairs: tuple[Pair, ...] = ()
    open_pairs: int = 0
    """Number of open component pairs from which they were drawn."""
