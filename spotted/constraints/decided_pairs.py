"""The image pairs whose answers merged or separated two components."""

from __future__ import annotations

import numpy as np

from spotted.constraints.answers import Answer, Decisions
from spotted.constraints.components import Components, Pair, ordered


class DecidedPairs:
    """Decisions by the image pair that made each, oldest first."""

    def __init__(self, components: Components) -> None:
        self._components = components
        self._decided: dict[Pair, tuple[bool, int]] = {}

    def note(self, pair: Pair, *, merged: bool) -> None:
        """Remember the image pair that is about to merge or separate its components."""
        key, sizes = ordered(*pair), map(self._components.size, map(self._components.of, pair))
        self._decided.pop(key, None)
        self._decided[key] = (merged, next(sizes) * next(sizes))

    def forget(self, pair: Pair) -> None:
        """Forget an image pair (first < second)."""
        self._decided.pop(pair, None)

    def columns(self) -> Decisions:
        """The decisions that still hold."""
        held = [
            (*pair, merged, image_pairs)
            for pair, (merged, image_pairs) in self._decided.items()
            if self._components.implied(*pair) is (Answer.SAME if merged else Answer.DIFFERENT)
        ]
        columns = np.array(held, dtype=np.int64).reshape(-1, 4).T
        return Decisions(columns[0], columns[1], columns[2].astype(np.bool_), columns[3])
