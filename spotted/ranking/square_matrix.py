"""The matrix of some rows with themselves, in blocks of rows, each pair scored once."""

from __future__ import annotations

import numpy as np

from spotted.arrays import Float32Array, IntArray
from spotted.ranking.ranker import Ranker
from spotted.scoring.fusion import Fusion

# rows whose half of the matrix is kept until the last block is taken: 8 MiB
MOST_ROWS = 2048


class SquareMatrix:
    """The fused scores of rows with themselves, within the error of `Ranker.score_block`, and symmetric.

    Strips of rows are scored from the diagonal on, by any threads and in any order; `take` returns whole
    rows, whose first part are columns of earlier strips.

    >>> from spotted.ranking.gallery import Gallery
    >>> from spotted.scoring import unit_rows
    >>> from spotted.survey import Detection, Survey
    >>> looks = unit_rows(np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]]))
    >>> gallery = Gallery.of(Survey("ridge", 0.0, 86_400.0), [Detection(one) for one in "abc"], looks)
    >>> matrix = SquareMatrix(Ranker(gallery), np.arange(3), Fusion.PRODUCT, 2)
    >>> for start in (0, 2):
    ...     matrix.compute(start)
    >>> matrix.take(2, 3).round(2)
    array([[0. , 0.8, 1. ]], dtype=float32)
    """

    def __init__(self, ranker: Ranker, rows: IntArray, fusion: Fusion, strip: int) -> None:
        """Begin. rows: of the gallery, at most MOST_ROWS. strip: number of rows of a strip."""
        self._ranker = ranker
        self._rows = rows
        self._fusion = fusion
        self._strip = strip
        self._strips: dict[int, Float32Array] = {}

    def compute(self, start: int) -> None:
        """Score the strip that begins at index `start`, a multiple of `strip`, with all from there on."""
        strip = self._rows[start : start + self._strip]
        self._strips[start] = self._ranker.score_block(strip, self._rows[start:], self._fusion)

    def take(self, first: int, end: int) -> Float32Array:
        """Rows of the matrix by their indices, which lie in one strip, (end - first, n).

        This strip and those before it must have been computed.
        """
        own = first - first % self._strip
        block = np.empty((end - first, len(self._rows)), np.float32)
        block[:, own:] = self._strips[own][first - own : end - own]
        for start in range(0, own, self._strip):
            earlier = self._strips[start]
            block[:, start : start + len(earlier)] = earlier[:, first - start : end - start].T
        return block
