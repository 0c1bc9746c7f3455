from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotted.calibration.evidence import PairEvidence
from spotted.calibration.model import probability
from spotted.errors import PreconditionError
from spotted.scoring.feasibility import FeasibilityParams, pair_feasibility
from spotted.scoring.fusion import Fusion, fuse
from spotted.scoring.local_pairs import LocalPairs
from spotted.scoring.pair_scores import PairScores, Scoring
from spotted.scoring.similarity import pair_similarity
from tests.spotted.surveys import CALIBRATION, matched_gallery, random_gallery

FIRST, SECOND = np.triu_indices(30, 1)


def test_calibrated_scoring_needs_a_calibration() -> None:
    gallery = random_gallery(5, seed=0)
    with pytest.raises(PreconditionError, match="no calibration to score by"):
        Scoring(gallery.table, gallery.extent, gallery.params, Fusion.CALIBRATED)


def test_an_index_selects_all_three_scores() -> None:
    columns = np.array([[0.1, 0.2], [0.3, np.nan], [0.5, 0.6]], np.float32)
    scores = PairScores(*columns)
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
    params = FeasibilityParams(clock_uncertainty_s=600.0)
    gallery = random_gallery(30, seed=seed % 50, params=params)
    if fusion is Fusion.CALIBRATED:
        gallery = matched_gallery(30, seed % 50, 0.3, params=params)
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


def test_calibrated_scores_with_marks_are_those_of_a_plain_loop() -> None:
    gallery = matched_gallery(30, 2, 0.3)
    assert gallery.local is not None
    found = gallery.score_pairs(FIRST, SECOND, Fusion.CALIBRATED).fused
    plain, evidence = (g.evidence(FIRST, SECOND) for g in (replace(gallery, local=None), gallery))
    known = gallery.local
    shares = known.marks > 0
    table = dict(zip(known.numbers[shares].tolist(), known.scores[shares].tolist(), strict=True))
    for i, (first, second) in enumerate(zip(FIRST.tolist(), SECOND.tolist(), strict=True)):
        local = np.array([table.get(first << 32 | second, np.nan)])
        pair = PairEvidence(
            plain.visual[i : i + 1],
            plain.feasibility[i : i + 1],
            plain.distance_m[i : i + 1],
            plain.gap_s[i : i + 1],
            plain.sides[i : i + 1],
            local,
        )
        assert found[i] in {0.0, probability(CALIBRATION, pair).item()}
        assert evidence.local is not None
        np.testing.assert_array_equal(evidence.local[i : i + 1], local)
    unmatched = replace(gallery, local=None).score_pairs(FIRST, SECOND, Fusion.CALIBRATED).fused
    changed = found != unmatched
    assert 0 < changed.sum() <= len(known)
    assert (known.marks_of(FIRST[changed], SECOND[changed]) > 0).all()


def test_a_block_of_calibrated_scores_with_marks_is_near_the_exact_ones() -> None:
    scoring = matched_gallery(60, 4, 0.2).scoring(Fusion.CALIBRATED)
    rows, columns = np.array([7, 3, 50, 51]), np.arange(60)[::-1]
    visual = np.random.default_rng(1).random((len(rows), len(columns)), np.float32)
    one_by_one = scoring.exact(visual.ravel(), np.repeat(rows, 60), np.tile(columns, 4))[1]
    np.testing.assert_array_equal(scoring.block(visual.copy(), rows, columns).ravel(), one_by_one)


def test_marks_that_are_unknown_or_do_not_count_change_no_bit() -> None:
    gallery, matched = random_gallery(30, 2), matched_gallery(30, 2, 0.3)
    nothing = LocalPairs.of(FIRST[:0], SECOND[:0], np.empty(0, np.float32), np.empty(0, np.uint16))
    weightless = replace(CALIBRATION, uses_marks=False)
    assert (CALIBRATION.uses_marks, weightless.uses_marks) == (True, False)
    for one, other in (
        (gallery, replace(gallery, local=nothing)),
        (replace(gallery, calibration=weightless), replace(matched, calibration=weightless)),
    ):
        for calls in ("exact", "bounds"):
            scores = [
                getattr(g.scoring(Fusion.CALIBRATED), calls)(
                    np.full((30, 30), 0.5, np.float32),
                    *([1e-4] if calls == "bounds" else []),
                    np.arange(30)[:, None],
                    np.arange(30)[None, :],
                )
                for g in (one, other)
            ]
            np.testing.assert_array_equal(*scores)
