"""Score matrices from the scorer, whole, as they stream in."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spotted import messages
from spotted.client.connection import Connection
from spotted.errors import ConcurrencyError, SpottedError, UnavailableError
from spotted.v1 import scorer_pb2, survey_pb2

# a stream that breaks is resumed; so often in a row without a single new row
ATTEMPTS = 5

Matrix = npt.NDArray[np.floating]


class MatrixCalls(Connection):
    """Scores of many pairs at once."""

    def score_matrix(
        self,
        survey_id: str,
        *,
        rows: Sequence[str] = (),
        columns: Sequence[str] = (),
        fusion: survey_pb2.Fusion.ValueType = survey_pb2.FUSION_PRODUCT,
        half: bool = False,
        file: Path | None = None,
    ) -> Matrix:
        """The scores of detections against detections, (rows, columns), checked block by block.

        rows, columns: detection ids; none for all, in the order they were added.
        half: float16 instead of float32. file: a .npy file to write, mapped into memory and not held there.
        A broken stream is resumed where it ended. Raises ConcurrencyError where the survey changed meanwhile.
        """
        request = scorer_pb2.GetScoreMatrixRequest(
            survey_id=survey_id,
            row_detection_ids=rows,
            column_detection_ids=columns,
            fusion=fusion,
            element_type=survey_pb2.ELEMENT_TYPE_FLOAT16 if half else survey_pb2.ELEMENT_TYPE_FLOAT32,
        )
        filling = _Filling(np.dtype(np.float16 if half else np.float32), file)
        idle = 0
        while filling.row < filling.row_count:
            request.row_offset, before = filling.row, filling.row
            try:
                for block in self._stream(self.scorer.GetScoreMatrix, request, "scorer"):
                    filling.take(block)
                # a survey without a row answers nothing
                break
            except UnavailableError:
                idle = idle + 1 if filling.row == before else 0
                if idle == ATTEMPTS:
                    raise
        return filling.matrix


class _Filling:
    """A matrix that is filled from its first row on."""

    def __init__(self, dtype: np.dtype[np.floating], file: Path | None) -> None:
        self.matrix: Matrix = np.empty((0, 0), dtype)
        self.row = 0
        self.row_count = 1
        self._file = file
        self._revision = 0

    def take(self, block: scorer_pb2.GetScoreMatrixResponse) -> None:
        """Write one block. Raises SpottedError where it is damaged or not the next."""
        if zlib.crc32(block.scores.content) != block.checksum or block.row_offset != self.row:
            raise SpottedError(f"rows from {block.row_offset} on arrived damaged; ask again")
        if self.row == 0:
            self._begin(block)
        if block.revision != self._revision:
            raise ConcurrencyError("the survey changed while its matrix was read; ask again")
        scores = messages.array(block.scores)
        self.matrix[self.row : self.row + len(scores)] = scores
        self.row += len(scores)

    def _begin(self, block: scorer_pb2.GetScoreMatrixResponse) -> None:
        self._revision, self.row_count = block.revision, block.row_count
        shape = (block.row_count, block.scores.shape[1])
        if self._file is None:
            self.matrix = np.empty(shape, self.matrix.dtype)
        else:
            self.matrix = np.lib.format.open_memmap(self._file, "w+", self.matrix.dtype, shape)
