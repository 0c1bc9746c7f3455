from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt
import pytest

from services.common.access import load
from services.scorer.matrices import BLOCK_BYTES
from spotted import messages
from spotted.errors import InvalidInputError, NotFoundError
from spotted.survey import Detection
from spotted.v1 import scorer_pb2 as pb
from spotted.v1 import survey_pb2
from tests.services.scorer.planted import START_S, Scorer, ask, vectors

# above what one block of 1 MiB holds in float32
COUNT = 600


def blocks(scorer: Scorer, survey_id: str, **asked: object) -> list[pb.GetScoreMatrixResponse]:
    request = pb.GetScoreMatrixRequest(survey_id=survey_id, **asked)  # type: ignore[arg-type] # fields by name
    return list(scorer.stub.GetScoreMatrix(request))


def whole(found: list[pb.GetScoreMatrixResponse]) -> npt.NDArray[np.floating]:
    row = found[0].row_offset
    for block in found:
        assert block.row_offset == row
        assert block.checksum == zlib.crc32(block.scores.content)
        row += block.scores.shape[0]
    assert row == found[0].row_count
    return np.concatenate([messages.array(block.scores) for block in found])


def test_a_matrix_holds_the_scores_of_its_pairs(scorer: Scorer, survey_id: str) -> None:
    added, _ = scorer.plant(survey_id, 30)
    matrix = whole(blocks(scorer, survey_id))
    pairs = [(a, b) for a in range(30) for b in range(30) if a != b]
    answer = scorer.stub.ScorePairs(
        pb.ScorePairsRequest(
            survey_id=survey_id,
            pairs=[
                survey_pb2.Pair(
                    first_detection_id=added[a].detection_id, second_detection_id=added[b].detection_id
                )
                for a, b in pairs
            ],
        )
    )
    first, second = np.array(pairs).T
    np.testing.assert_allclose(matrix[first, second], messages.array(answer.fused), atol=1e-5)
    np.testing.assert_array_equal(np.diag(matrix), np.ones(30))


def test_rows_and_columns_are_those_asked_in_their_order(scorer: Scorer, survey_id: str) -> None:
    added, _ = scorer.plant(survey_id, 30)
    ids = [d.detection_id for d in added]
    everything = whole(blocks(scorer, survey_id, fusion=survey_pb2.FUSION_VISUAL))
    rows, columns = [7, 3, 20], [3, 29, 7, 0]
    part = blocks(
        scorer,
        survey_id,
        row_detection_ids=[ids[r] for r in rows],
        column_detection_ids=[ids[c] for c in columns],
        fusion=survey_pb2.FUSION_VISUAL,
    )
    np.testing.assert_allclose(whole(part), everything[np.ix_(rows, columns)], atol=1e-6)
    assert part[0].score_spec.fusion == survey_pb2.FUSION_VISUAL


def test_a_matrix_comes_in_blocks_near_one_mebibyte(scorer: Scorer, survey_id: str) -> None:
    many(scorer, survey_id)
    found = blocks(scorer, survey_id)
    assert len(found) == 2
    assert max(len(b.scores.content) for b in found) <= BLOCK_BYTES
    assert whole(found).shape == (COUNT, COUNT)
    assert len({b.revision for b in found}) == 1


def test_half_precision_is_the_rounded_matrix(scorer: Scorer, survey_id: str) -> None:
    many(scorer, survey_id)
    full = whole(blocks(scorer, survey_id))
    half = whole(blocks(scorer, survey_id, element_type=survey_pb2.ELEMENT_TYPE_FLOAT16))
    assert half.dtype == np.float16
    np.testing.assert_allclose(half, full, atol=1e-3)


def test_a_matrix_that_is_kept_for_its_other_half_counts_among_the_answers(
    scorer: Scorer, survey_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[int] = []
    monkeypatch.setattr(load, "keep", kept.append)
    added, _ = scorer.plant(survey_id, 30)
    ids = [d.detection_id for d in added]
    for asked in (
        {},
        {"row_detection_ids": ids[:7], "column_detection_ids": ids[:7]},
        {"row_detection_ids": ids[:7]},
    ):
        blocks(scorer, survey_id, **asked)
    assert kept == [30 * 30 * 2, 7 * 7 * 2, 0]


@pytest.mark.parametrize("row_offset", [1, 436, 437, 599])
def test_a_resumed_stream_brings_the_same_bits(scorer: Scorer, survey_id: str, row_offset: int) -> None:
    many(scorer, survey_id)
    complete = whole(blocks(scorer, survey_id))
    rest = blocks(scorer, survey_id, row_offset=row_offset)
    assert rest[0].row_offset == row_offset
    np.testing.assert_array_equal(whole(rest), complete[row_offset:])


def test_nothing_is_left_after_the_last_row(scorer: Scorer, survey_id: str) -> None:
    scorer.plant(survey_id, 3)
    assert blocks(scorer, survey_id, row_offset=3) == []


def test_an_empty_survey_has_no_block_and_one_detection_scores_itself(scorer: Scorer, survey_id: str) -> None:
    scorer.create(survey_id)
    assert blocks(scorer, survey_id) == []
    scorer.add(survey_id, [Detection("alone", "CAM01", START_S)], vectors(1))
    assert whole(blocks(scorer, survey_id)).tolist() == [[1.0]]


def test_an_unknown_row_or_element_type_is_refused(scorer: Scorer, survey_id: str) -> None:
    scorer.plant(survey_id, 3)
    with pytest.raises(NotFoundError, match="'ghost'"):
        ask(lambda _: blocks(scorer, survey_id, column_detection_ids=["d0000", "ghost"]), [])
    with pytest.raises(InvalidInputError, match="element_type"):
        ask(lambda _: blocks(scorer, survey_id, element_type=9), [])


def many(scorer: Scorer, survey_id: str) -> None:
    """A survey whose matrix is above one block."""
    scorer.create(survey_id)
    added = [Detection(f"d{n}", "CAM01", START_S + n) for n in range(COUNT)]
    scorer.add(survey_id, added, vectors(COUNT))
