from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotted.calibration.model import probability
from spotted.errors import PreconditionError
from spotted.scoring.feasibility import FeasibilityParams, pair_feasibility
from spotted.scoring.fusion import Fusion, fuse
from spotted.scoring.pair_scores import PairScores, Scoring
from spotted.scoring.similarity import pair_similarity
from tests.spotted.surveys import random_gallery

FIRST, SECOND = np.triu_indices(30, 1)


def test_calibrated_scoring_needs_a_calibration() -> None:
    gallery = random_gallery(5, seed=0)
    with pytest.raises(PreconditionError, match="no calibration to score by"):
        Scoring(gallery.table, gallery.extent, gallery.params, Fusion.CALIBRATED)


def test_an_index_selects_all_three_scores() -> None:
    scores = PairScores(*np.array([[0.1, 0.2], [0.3, np.nan], [0.5, 0.6]], dtype=np.float32))
    selected = scores.at(np.array([1]))
    assert [selected.visual.item(), selected.fused.item()] == pytest.approx([0.2, 0.6])
    assert np.isnan(selected.feasibility).all()


@pytest.mark.parametrize("fusion", [Fusion.PRODUCT, Fusion.VISUAL, Fusion.LOCATION])
def test_a_fused_score_is_made_of_its_parts(fusion: Fusion) -> None:
    gallery = random_gallery(30, seed=1, params=FeasibilityParams(max_speed_kmh=0.02))
    visual = pair_similarity(gallery.embeddings, FIRST, SECOND)
    possible, fused = gallery.scoring(fusion).exact(visual, FIRST, SECOND)
    expected = pair_feasibility(gallery.table, FIRST, SECOND, gallery.extent, gallery.params)
    np.testing.assert_array_equal(possible, expected)
    np.testing.assert_array_equal(fused, fuse(visual, expected, fusion))


def test_a_calibrated_score_is_the_probability_of_the_pairs_evidence() -> None:
    gallery = random_gallery(30, seed=1)
    assert gallery.calibration is not None
    scores = gallery.score_pairs(FIRST, SECOND, Fusion.CALIBRATED)
    expected = probability(gallery.calibration, gallery.evidence(FIRST, SECOND))
    apart = scores.fused > 0
    np.testing.assert_array_equal(scores.fused[apart], expected[apart])
    # only two animals in one image score 0
    image = gallery.table.image
    np.testing.assert_array_equal(~apart, (image[FIRST] == image[SECOND]) & (image[FIRST] >= 0))


@pytest.mark.parametrize("fusion", list(Fusion))
@given(seed=st.integers(0, 10_000), off=st.floats(-1e-4, 1e-4))
def test_the_exact_score_lies_within_its_bounds(fusion: Fusion, seed: int, off: float) -> None:
    gallery = random_gallery(30, seed=seed % 50, params=FeasibilityParams(clock_uncertainty_s=600.0))
    scoring = gallery.scoring(fusion)
    visual = np.random.default_rng(seed).random(len(FIRST), np.float32)
    _, exact = scoring.exact(visual, FIRST, SECOND)
    least, most = scoring.bounds(visual + np.float32(off), 1.1e-4, FIRST, SECOND)
    assert (least <= exact).all()
    assert (exact <= most).all()


@pytest.mark.parametrize("fusion", list(Fusion))
@pytest.mark.parametrize(
    "params",
    [
        FeasibilityParams(),
        FeasibilityParams(decay=0.0),
        FeasibilityParams(decay=3.0),
        FeasibilityParams(max_speed_kmh=0.02),
    ],
)
def test_a_block_of_scores_is_near_the_exact_ones(fusion: Fusion, params: FeasibilityParams) -> None:
    gallery = random_gallery(60, seed=4, params=params)
    scoring = gallery.scoring(fusion)
    rows, columns = np.arange(5, 40), np.arange(60)[::-1]
    visual = np.random.default_rng(1).random((len(rows), len(columns)), np.float32)
    _, expected = scoring.exact(visual, rows[:, None], columns[None, :])
    np.testing.assert_allclose(scoring.block(visual.copy(), rows, columns), expected, atol=1e-6)
