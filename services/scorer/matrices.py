"""Score matrices as a stream of row blocks near 1 MiB, resumable by row."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from services.scorer.scored_surveys import Scored
from spotted import messages
from spotted.arrays import IntArray
from spotted.scoring.fusion import Fusion
from spotted.scoring.parallel import ahead
from spotted.v1 import scorer_pb2

BLOCK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Matrix:
    """Which matrix: ids of its rows and columns, none for all; rows to skip."""

    row_ids: Sequence[str]
    column_ids: Sequence[str]
    fusion: Fusion
    dtype: np.dtype[np.floating]
    row_offset: int


def matrix_blocks(scored: Scored, asked: Matrix) -> Iterator[scorer_pb2.GetScoreMatrixResponse]:
    """The blocks of a matrix, the next ones computed while one is sent.

    The blocks of one matrix lie on one grid, so a resumed stream brings the same bits. Raises
    NotFoundError for an id that the survey does not hold.
    """
    rows, columns = _rows(scored, asked.row_ids), _rows(scored, asked.column_ids)
    fusion, spec = scored.fusion(asked.fusion), scored.spec(asked.fusion)
    step = max(1, BLOCK_BYTES // max(1, len(columns) * asked.dtype.itemsize))

    def block(start: int) -> scorer_pb2.GetScoreMatrixResponse:
        scores = scored.gallery.score_block(rows[start : start + step], columns, fusion)
        first = max(start, asked.row_offset)
        tensor = messages.tensor(scores[first - start :].astype(asked.dtype, copy=False))
        return scorer_pb2.GetScoreMatrixResponse(
            row_offset=first,
            scores=tensor,
            checksum=zlib.crc32(tensor.content),
            row_count=len(rows),
            score_spec=spec,
            revision=scored.snapshot.survey.revision,
        )

    starts = [i for i in range(0, len(rows), step) if min(i + step, len(rows)) > asked.row_offset]
    yield from ahead(block, starts, scored.threads)


def _rows(scored: Scored, detection_ids: Sequence[str]) -> IntArray:
    if detection_ids:
        return np.array([scored.snapshot.row(i) for i in detection_ids], dtype=np.int64)
    return np.arange(len(scored.snapshot.detections))
