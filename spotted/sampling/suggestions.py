"""Pairs that names suggest: asked before others, while nothing is implied by a name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from spotted.constraints.interface import Constraints
from spotted.sampling.rounds import PairQuery

REASON = "both are named {name!r}"


class Suggestions:
    """Pairs of one name each, as (first, second, name), served in their order while they are open."""

    def __init__(self, pairs: Sequence[tuple[int, int, str]] = ()) -> None:
        self._pairs = pairs
        self._position = 0

    def open_pairs(self, constraints: Constraints) -> Iterator[PairQuery]:
        """The pairs that may be asked."""
        pairs = self._pairs
        # closed pairs stay closed: the leading ones are never examined again
        while self._position < len(pairs) and not constraints.is_open(*pairs[self._position][:2]):
            self._position += 1
        for first, second, name in pairs[self._position :]:
            if constraints.is_open(first, second):
                yield PairQuery(first, second, REASON.format(name=name), 0.0)
