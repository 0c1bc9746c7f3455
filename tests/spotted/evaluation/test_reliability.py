from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spotted.calibration.labels import thin_pairs
from spotted.evaluation import reliability
from spotted.evaluation.comparison import CALIBRATED, FUSED, rank_survey
from spotted.evaluation.reliability import measure_held_out, measure_reliability
from spotted.scoring.local_pairs import LocalPairs
from spotted.scoring.similarity import unit_rows
from spotted.survey import Detection
from tests.spotted.compared_surveys import surveyed
from tests.spotted.surveys import random_gallery


def test_a_score_that_means_what_it_says_has_no_error() -> None:
    probabilities = np.repeat([0.1, 0.5], 1000)
    same = np.concatenate([np.arange(1000) < 100, np.arange(1000) < 500])
    # equal-weight bins cut through equal scores, so each must hold its share
    order = np.random.default_rng(0).permutation(1000)
    same = np.concatenate([same[:1000][order], same[1000:][order]])
    found = measure_reliability(probabilities, same, np.ones(2000))
    assert found.error < 0.05
    np.testing.assert_allclose(found.mean, [0.1, 0.5])
    np.testing.assert_allclose(found.share, [0.1, 0.5])


def test_a_weight_of_two_is_a_pair_twice() -> None:
    rng = np.random.default_rng(0)
    probabilities, same = rng.random(30), rng.random(30) < 0.5
    weights = rng.integers(1, 4, 30).astype(np.float64)
    times = weights.astype(int)
    once = measure_reliability(probabilities, same, weights)
    repeated = measure_reliability(
        np.repeat(probabilities, times), np.repeat(same, times), np.ones(int(times.sum()))
    )
    np.testing.assert_allclose(once.mean, repeated.mean)
    np.testing.assert_allclose(once.share, repeated.share)


def test_a_calibration_judges_strangers_better_than_the_product_does() -> None:
    rng = np.random.default_rng(0)
    animals = rng.integers(0, 30, 240)
    gallery = random_gallery(240, 0, dimension=16)
    looks = rng.normal(size=(30, 16))
    embeddings = unit_rows(looks[animals] + 0.6 * rng.normal(size=(240, 16)))
    table = replace(gallery.table, image=np.full(240, -1))
    gallery = replace(gallery, embeddings=embeddings, table=table, calibration=None)
    detections = [Detection(f"d{i}", individual_id=f"a{animals[i]}") for i in range(240)]
    found, reason = measure_held_out(rank_survey(gallery, detections), np.random.default_rng(1))
    assert not reason
    assert found[CALIBRATED].error < 0.5 * found[FUSED].error
    assert found[CALIBRATED].pairs == found[FUSED].pairs > 1000


def test_a_calibration_is_fitted_with_the_marks_of_a_survey() -> None:
    animals = np.arange(160) // 8
    gallery = random_gallery(160, 0)
    table = replace(gallery.table, image=np.full(160, -1))
    first, second = np.triu_indices(160, 1)
    same = animals[first] == animals[second]
    marks = np.where(same, 40, 0)
    local = LocalPairs.of(first, second, marks.astype(np.float32), marks.astype(np.uint16))
    detections = [Detection(f"d{i}", individual_id=f"a{animals[i]}") for i in range(160)]
    without = replace(gallery, table=table, calibration=None)
    blind, seeing = (
        measure_held_out(rank_survey(one, detections), np.random.default_rng(1))[0][CALIBRATED]
        for one in (without, replace(without, local=local))
    )
    # only marks tell these animals apart
    assert blind.mean.max() < 0.5
    assert seeing.mean.max() > 0.9
    assert seeing.share.max() > 0.9


def test_thinned_pairs_weigh_as_much_as_all(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"a{row % 4}" for row in range(40)]
    monkeypatch.setattr(reliability, "thin_pairs", lambda ends, rng: thin_pairs(ends, rng, most=100))
    _, ends, weights = reliability._labels(names, np.random.default_rng(0))
    same = ends[:, 0] == ends[:, 1]
    assert len(ends) == 100
    assert weights[same].sum() == pytest.approx(4 * 45)
    assert weights[~same].sum() == pytest.approx(40 * 39 / 2 - 4 * 45)


def test_too_few_labels_say_so() -> None:
    ranked = rank_survey(*surveyed())
    few = replace(ranked, individuals=("a", "a", *[""] * 58))
    found, reason = measure_held_out(few, np.random.default_rng(0))
    assert found == {}
    assert "needed" in reason


@pytest.mark.parametrize("count", [1, 50])
def test_the_bin_of_certainty_is_the_last(count: int) -> None:
    found = measure_reliability(np.ones(count), np.ones(count, dtype=np.bool_), np.ones(count))
    assert found.share.tolist() == [1.0]
    assert found.error == 0.0
