"""How far one answer is believed: at once, or as evidence (Spotted section 4, and ours)."""

from __future__ import annotations

import enum

from spotted.constraints.answers import LabelledPair, LabelOutcome
from spotted.constraints.closure import Constraints
from spotted.constraints.verified import Verified


class Trust(enum.IntEnum):
    """How far one answer is believed; the values are those of `spotted.v1`, 0 is unspecified."""

    SINGLE = 1
    VERIFIED = 2


def folded(trust: Trust, count: int = 0) -> Constraints:
    """What the answers about `count` items fold into."""
    return Verified(count) if trust is Trust.VERIFIED else Constraints(count)


def take(
    constraints: Constraints, label: LabelledPair, annotator_id: str, chance: float | None
) -> LabelOutcome:
    """Take one answer into account, with its annotator and the chance of SAME that it was asked at."""
    if isinstance(constraints, Verified):
        return constraints.apply(label, annotator_id, chance)
    return constraints.apply(label)
