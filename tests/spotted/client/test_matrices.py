from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from grpc import aio

from services.common.server import Service
from spotted import messages
from spotted.client import Spotted, SurveyHandle
from spotted.client.matrices import ATTEMPTS
from spotted.errors import ConcurrencyError, NotFoundError, SpottedError, UnavailableError
from spotted.scoring.fusion import Fusion
from spotted.v1 import scorer_pb2 as pb
from spotted.v1.scorer_pb2_grpc import ScorerServiceServicer, add_ScorerServiceServicer_to_server
from tests.services.serving import running
from tests.spotted.client.surveys import COUNT, DETECTIONS

IDS = [d.detection_id for d in DETECTIONS]
# rows of the matrix that breaks, and of its blocks
ROWS, STEP = 10, 2
SCORES = np.random.default_rng(5).random((ROWS, 3)).astype(np.float32)

Context = aio.ServicerContext[pb.GetScoreMatrixRequest, pb.GetScoreMatrixResponse]
# what a call does: its number, counted from 1, and the block that is due -> whether to end the stream
Breaks = Callable[[int, int], bool]
Spoils = Callable[[int, pb.GetScoreMatrixResponse], None]


class BreakingScorer(ScorerServiceServicer):
    """A scorer whose matrix streams end before they are through."""

    def __init__(self, breaks: Breaks, spoils: Spoils) -> None:
        self.offsets: list[int] = []
        self._breaks = breaks
        self._spoils = spoils

    async def GetScoreMatrix(  # noqa: N802 - the contract's name
        self, request: pb.GetScoreMatrixRequest, context: Context
    ) -> AsyncIterator[pb.GetScoreMatrixResponse]:
        self.offsets.append(request.row_offset)
        call = len(self.offsets)
        # a call that has begun is not repeated by gRPC itself
        await context.send_initial_metadata(())
        for start in range(request.row_offset, ROWS, STEP):
            if self._breaks(call, start):
                raise UnavailableError("this scorer goes away; repeat the call")
            scores = messages.tensor(SCORES[start : start + STEP])
            block = pb.GetScoreMatrixResponse(
                row_offset=start,
                scores=scores,
                checksum=zlib.crc32(scores.content),
                row_count=ROWS,
                revision=7,
            )
            self._spoils(call, block)
            yield block


@contextmanager
def breaking(
    breaks: Breaks = lambda *_: False, spoils: Spoils = lambda *_: None
) -> Iterator[tuple[Spotted, BreakingScorer]]:
    """A client of a scorer that breaks."""
    scorer = BreakingScorer(breaks, spoils)  # type: ignore[abstract] # the other calls are not made

    def register(server: aio.Server) -> None:
        add_ScorerServiceServicer_to_server(scorer, server)

    with (
        running(Service("spotted.v1.ScorerService", register)) as address,
        Spotted(embedder=address, scorer=address, sampler=address) as spotted,
    ):
        yield spotted, scorer


def test_the_whole_matrix_comes_in_the_order_of_the_detections(handle: SurveyHandle) -> None:
    matrix = handle.score_matrix(fusion=Fusion.VISUAL)
    assert matrix.shape == (COUNT, COUNT)
    assert matrix.dtype == np.float32
    _, unit = handle.detections_with_embeddings()
    expected = np.clip(unit @ unit.T, 0.0, 1.0)
    np.fill_diagonal(expected, 1.0)
    np.testing.assert_allclose(matrix, expected, atol=1e-3)


def test_chosen_rows_and_columns_are_those_of_the_whole(handle: SurveyHandle) -> None:
    whole = handle.score_matrix()
    rows, columns = [7, 3], [11, 0, 3, 4]
    part = handle.score_matrix(rows=[IDS[r] for r in rows], columns=[IDS[c] for c in columns])
    np.testing.assert_allclose(part, whole[np.ix_(rows, columns)], atol=1e-6)
    np.testing.assert_allclose(handle.score_matrix(rows=IDS[5:6]), whole[5:6], atol=1e-6)


def test_half_the_precision_is_the_rounded_matrix(handle: SurveyHandle) -> None:
    half = handle.score_matrix(half=True)
    assert half.dtype == np.float16
    np.testing.assert_array_equal(half, handle.score_matrix().astype(np.float16))


@pytest.mark.parametrize("half", [False, True])
def test_a_file_holds_the_matrix(handle: SurveyHandle, tmp_path: Path, *, half: bool) -> None:
    path = tmp_path / "matrix.npy"
    matrix = handle.score_matrix(half=half, file=path)
    assert isinstance(matrix, np.memmap)
    matrix.flush()
    stored = np.load(path)
    assert stored.dtype == (np.float16 if half else np.float32)
    np.testing.assert_array_equal(stored, handle.score_matrix(half=half))


def test_an_unknown_detection_is_not_found(handle: SurveyHandle) -> None:
    with pytest.raises(NotFoundError, match="'ghost'"):
        handle.score_matrix(rows=["ghost"])


@pytest.mark.parametrize("in_file", [False, True])
def test_a_broken_stream_goes_on_where_it_ended(tmp_path: Path, *, in_file: bool) -> None:
    # each call brings two blocks
    with breaking(lambda call, row: row == 4 * call) as (spotted, scorer):
        file = tmp_path / "matrix.npy" if in_file else None
        np.testing.assert_array_equal(spotted.survey("any").score_matrix(file=file), SCORES)
    assert scorer.offsets == [0, 4, 8]


def test_a_stream_that_brings_something_each_time_may_break_often() -> None:
    with breaking(lambda call, row: row == STEP * call) as (spotted, scorer):
        np.testing.assert_array_equal(spotted.survey("any").score_matrix(), SCORES)
    assert len(scorer.offsets) == ROWS // STEP


def test_a_stream_that_brings_nothing_is_given_up() -> None:
    with (
        breaking(lambda _, row: row == STEP) as (spotted, scorer),
        pytest.raises(UnavailableError, match="this scorer goes away"),
    ):
        spotted.survey("any").score_matrix()
    # the first call brought a block, only the later ones were idle; gRPC itself repeats one whose headers and
    # status arrive together
    assert len(scorer.offsets) > ATTEMPTS
    assert scorer.offsets == [0] + [STEP] * (len(scorer.offsets) - 1)


def test_a_survey_that_changes_meanwhile_is_reported() -> None:
    def newer(call: int, block: pb.GetScoreMatrixResponse) -> None:
        block.revision += call

    with (
        breaking(lambda call, row: call == 1 and row == STEP, newer) as (spotted, _),
        pytest.raises(ConcurrencyError, match="changed while its matrix was read"),
    ):
        spotted.survey("any").score_matrix()


def damaged(_: int, block: pb.GetScoreMatrixResponse) -> None:
    if block.row_offset == STEP:
        block.scores.content = bytes(len(block.scores.content))


def displaced(_: int, block: pb.GetScoreMatrixResponse) -> None:
    block.row_offset += block.row_offset


@pytest.mark.parametrize(("spoils", "first"), [(damaged, STEP), (displaced, 2 * STEP)])
def test_a_damaged_or_missing_block_is_reported(spoils: Spoils, first: int) -> None:
    with (
        breaking(spoils=spoils) as (spotted, _),
        pytest.raises(SpottedError, match=f"rows from {first} on arrived damaged"),
    ):
        spotted.survey("any").score_matrix()
