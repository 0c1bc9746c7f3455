"""Score matrices, read from a stream of row blocks that is checked and resumed."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spotted import messages
from spotted.client.connection import Endpoint
from spotted.errors import ConcurrencyError, SpottedError, UnavailableError
from spotted.v1 import scorer_pb2, survey_pb2
from spotted.v1.scorer_pb2_grpc import ScorerServiceStub

# a broken stream is resumed this often in a row without a single new row
ATTEMPTS = 5

Matrix = npt.NDArray[np.floating]


def read_matrix(
    scorer: Endpoint[ScorerServiceStub], request: scorer_pb2.GetScoreMatrixRequest, file: Path | None
) -> Matrix:
    """The matrix of a request, of the request's element type, resumed after each broken stream.

    file: a .npy file to write, which stays mapped; None to hold the matrix in memory.
    Raises ConcurrencyError if the survey changes meanwhile, SpottedError for a damaged block.
    """
    half = request.element_type == survey_pb2.ELEMENT_TYPE_FLOAT16
    filling = _Filling(np.dtype(np.float16 if half else np.float32), file)
    idle = 0
    while filling.row < filling.row_count:
        request.row_offset, before = filling.row, filling.row
        try:
            for block in scorer.stream(scorer.stub.GetScoreMatrix, request):
                filling.take(block)
            # the stream of a survey without detections is empty
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
        """Write one block. Raises SpottedError if it is damaged or not the next one."""
        if zlib.crc32(block.scores.content) != block.checksum or block.row_offset != self.row:
            raise SpottedError(f"rows from {block.row_offset} on arrived damaged; try again")
        if self.row == 0:
            self._begin(block)
        if block.revision != self._revision:
            raise ConcurrencyError("the survey changed while its matrix was read; try again")
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
