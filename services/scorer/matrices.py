"""Score matrices as a stream of row blocks near 1 MiB, resumable by row."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from services.common.rpc import checks
from services.scorer.scored_surveys import ScoredSurvey
from spotted import messages
from spotted.arrays import Float32Array, IntArray
from spotted.errors import InvalidInputError
from spotted.ranking.square_matrix import MOST_ROWS, SquareMatrix
from spotted.scoring.fusion import Fusion
from spotted.scoring.parallel import map_ahead
from spotted.v1 import scorer_pb2

BLOCK_BYTES = 1024 * 1024
# rows of a strip of a square matrix, at least; fewer make the products slower
STRIP_ROWS = 256


@dataclass(frozen=True, slots=True)
class Matrix:
    """The matrix that a request asks for."""

    row_ids: Sequence[str]
    """Detection ids; empty for all."""
    column_ids: Sequence[str]
    """Detection ids; empty for all."""
    fusion: Fusion
    dtype: np.dtype[np.floating]
    row_offset: int
    """Number of rows to skip."""


def kept_bytes(scored: ScoredSurvey, matrix: Matrix) -> int:
    """How much a matrix keeps until its last block is taken."""
    count = len(matrix.row_ids) or len(scored.snapshot.detections)
    return count * count * np.dtype(np.float32).itemsize // 2 if _is_square(matrix, count) else 0


def compute_blocks(scored: ScoredSurvey, matrix: Matrix) -> Iterator[scorer_pb2.GetScoreMatrixResponse]:
    """The blocks of a matrix; the next ones are computed while one is sent.

    The blocks of a matrix lie on one grid, so a resumed stream sends the same bits. Raises NotFoundError for
    an id that is not in the survey, InvalidInputError if a row does not fit into a message.
    """
    rows, columns = _rows(scored, matrix.row_ids), _rows(scored, matrix.column_ids)
    if len(columns) * matrix.dtype.itemsize > checks.ANSWER_BYTES:
        raise InvalidInputError(
            f"a row of {len(columns)} scores does not fit into a message; name fewer columns, or ask for "
            "FLOAT16",
            field="column_detection_ids",
        )
    spec = scored.spec(matrix.fusion)
    step = max(1, BLOCK_BYTES // max(1, len(columns) * matrix.dtype.itemsize))
    for start, scores in _scores(scored, rows, columns, matrix, step):
        first = max(start, matrix.row_offset)
        answer = scorer_pb2.GetScoreMatrixResponse(
            row_offset=first,
            row_count=len(rows),
            score_spec=spec,
            revision=scored.snapshot.survey.revision,
        )
        wanted = scores[first - start :].astype(matrix.dtype, copy=False)
        answer.checksum = zlib.crc32(messages.fill_tensor(answer.scores, wanted))
        yield answer


def _scores(
    scored: ScoredSurvey, rows: IntArray, columns: IntArray, matrix: Matrix, step: int
) -> Iterator[tuple[int, Float32Array]]:
    """The index of the first row and the scores of each block of `step` rows that is asked for."""
    fusion, count = scored.fusion(matrix.fusion), len(rows)
    starts = [i for i in range(0, count, step) if min(i + step, count) > matrix.row_offset]
    if not _is_square(matrix, count):

        def block(start: int) -> Float32Array:
            return scored.ranker.score_block(rows[start : start + step], columns, fusion)

        yield from zip(starts, map_ahead(block, starts, scored.threads), strict=True)
        return
    strip = step * -(-STRIP_ROWS // step)
    square = SquareMatrix(scored.ranker, rows, fusion, strip)
    # also of rows that are skipped: their columns are parts of later rows
    strips = range(0, count, strip)
    for start, _ in zip(strips, map_ahead(square.compute, strips, scored.threads), strict=True):
        for first in [i for i in starts if start <= i < start + strip]:
            yield first, square.take(first, min(first + step, count))


def _is_square(matrix: Matrix, count: int) -> bool:
    """Whether half of a matrix suffices, and can be kept."""
    return count <= MOST_ROWS and list(matrix.row_ids) == list(matrix.column_ids)


def _rows(scored: ScoredSurvey, detection_ids: Sequence[str]) -> IntArray:
    if detection_ids:
        return np.array([scored.snapshot.row(i) for i in detection_ids], dtype=np.int64)
    return np.arange(len(scored.snapshot.detections))
