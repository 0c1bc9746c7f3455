"""The two levels of trust in a single answer: accepted at once, or weighed as evidence.

Spotted section 4. Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import enum

from spotted.constraints.closure import Closure
from spotted.constraints.interface import Constraints
from spotted.constraints.verified import Verified


class Trust(enum.IntEnum):
    """How far a single answer is trusted; the values are those of `spotted.v1`, 0 is unspecified.

    >>> {trust.name: type(make_constraints(trust)).__name__ for trust in Trust}
    {'SINGLE': 'Closure', 'VERIFIED': 'Verified'}
    """

    SINGLE = 1
    """An answer is accepted at once."""
    VERIFIED = 2
    """An answer is evidence, which other answers confirm or outweigh."""


def make_constraints(trust: Trust, count: int = 0) -> Constraints:
    """Constraints over `count` items, without an answer so far.

    >>> make_constraints(Trust.SINGLE, 3).component_count
    3
    """
    return Verified(count) if trust is Trust.VERIFIED else Closure(count)
