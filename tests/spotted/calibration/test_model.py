from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from spotted.calibration.evidence import LOOKS, TERMS, PairEvidence
from spotted.calibration.kinds import CalibrationKind
from spotted.calibration.model import (
    Calibration,
    expected_calibration_error,
    log_odds,
    probability,
    probability_bounds,
)
from spotted.errors import InvalidInputError

GROWING = st.floats(0, 20)
ANY = st.floats(-20, 20)
unit = st.floats(0, 1)


@st.composite
def calibrations(draw: st.DrawFn) -> Calibration:
    weights = [draw(GROWING if term.grows else ANY) for term in TERMS]
    looks = [draw(GROWING if term.grows else ANY) for term in LOOKS]
    return calibration((draw(ANY), *weights), (draw(ANY), *looks))


def calibration(
    placed: tuple[float, ...] = (-3.0, 1.0, 2.0, 1.0, -0.5, 0.75, 0.5, 1.0, 3.0, -4.0),
    unplaced: tuple[float, ...] = (-5.0, 1.0, 4.0, 1.0, -0.5, 0.75),
) -> Calibration:
    return Calibration(
        kind=CalibrationKind.EVIDENCE,
        placed=placed,
        unplaced=unplaced,
        scale=(1.0,) * len(TERMS),
        same_pairs=40,
        different_pairs=400,
        individuals=9,
        share=0.05,
        held_out_ece=0.01,
    )


def random_pairs(count: int, seed: int, *, precision: type[np.floating] = np.float64) -> PairEvidence:
    rng = np.random.default_rng(seed)
    looks, possible, part, wait = rng.random((4, count))
    return PairEvidence(
        looks.astype(precision),
        (possible**8).astype(precision),
        part * 60_000,
        wait**4 * 1e7,
        rng.integers(0, 3, count).astype(np.int8),
        np.where(rng.random(count) < 0.5, np.nan, rng.poisson(9.0, count)),
    )


@given(calibrations(), unit, unit, unit, st.floats(0, 1e6), st.floats(0, 1e9), st.integers(0, 2))
def test_probability_never_falls_as_the_visual_similarity_grows(
    fitted: Calibration, one: float, other: float, possible: float, distance: float, gap: float, sides: int
) -> None:
    pairs = PairEvidence(
        np.sort([one, other]),
        np.full(2, possible),
        np.full(2, distance),
        np.full(2, gap),
        np.full(2, sides, dtype=np.int8),
    )
    low, high = log_odds(fitted, pairs)
    assert low <= high + 1e-9


@given(calibrations(), unit, st.floats(0, 1e5), st.floats(0, 1e5), st.floats(1, 1e8), st.integers(0, 2))
def test_probability_never_grows_with_the_distance_at_the_same_gap(
    fitted: Calibration, visual: float, one: float, other: float, gap: float, sides: int
) -> None:
    distance = np.sort([one, other])
    pairs = PairEvidence(
        np.full(2, visual),
        np.exp(-distance / gap),
        distance,
        np.full(2, gap),
        np.full(2, sides, dtype=np.int8),
    )
    near, far = log_odds(fitted, pairs)
    assert near >= far - 1e-9


def test_log_odds_are_those_of_a_plain_sum() -> None:
    pairs = PairEvidence(
        np.array([0.5]), np.array([0.25]), np.array([20_000.0]), np.array([0.0]), np.array([2], dtype=np.int8)
    )
    expected = -3 + math.log(0.5) + (2 + 1) * 0.5 - 0.5 + 0.5 * math.log(0.25) + 0.125 - 3 * 2
    assert log_odds(calibration(), pairs) == pytest.approx(expected)
    assert probability(calibration(), pairs) == pytest.approx(expit(expected))


def test_a_pair_without_place_is_judged_by_its_looks() -> None:
    pairs = random_pairs(4, 0)
    pairs.distance_m[0] = pairs.gap_s[1] = pairs.feasibility[2] = np.nan
    found = log_odds(calibration(), pairs)
    weights = np.array(calibration().unplaced)
    looks = weights[0] + sum(w * term.of(pairs) for w, term in zip(weights[1:], LOOKS, strict=True))
    assert found[:3] == pytest.approx(looks[:3])
    assert found[3] != pytest.approx(looks[3])


@given(calibrations(), unit, unit, st.floats(0, 1e4), st.floats(0, 1e4), st.integers(0, 2))
def test_probability_never_falls_as_more_marks_match(
    fitted: Calibration, visual: float, possible: float, one: float, other: float, sides: int
) -> None:
    pairs = PairEvidence(
        np.full(2, visual),
        np.full(2, possible),
        np.full(2, 1000.0),
        np.full(2, 3600.0),
        np.full(2, sides, dtype=np.int8),
        np.sort([one, other]),
    )
    few, many = log_odds(fitted, pairs)
    assert few <= many + 1e-9


def test_marks_that_were_not_compared_count_as_none() -> None:
    pairs = random_pairs(50, 3)
    unknown = log_odds(calibration(), replace(pairs, local=np.full(50, np.nan)))
    assert (unknown == log_odds(calibration(), replace(pairs, local=None))).all()
    assert (unknown == log_odds(calibration(), replace(pairs, local=np.zeros(50)))).all()
    assert (log_odds(calibration(), replace(pairs, local=np.full(50, 30.0))) > unknown).all()


def test_a_pair_scores_the_same_in_any_block() -> None:
    pairs = random_pairs(600, 1)
    table = pairs.at((np.arange(600).reshape(20, 30),))
    whole = probability(calibration(), pairs)
    assert whole.dtype == np.float32
    assert (probability(calibration(), table).ravel() == whole).all()
    alone = [probability(calibration(), pairs.at((np.array([i]),)))[0] for i in range(600)]
    assert (np.array(alone) == whole).all()


@pytest.mark.parametrize("error", [0.0, 1e-4, 0.05])
def test_bounds_hold_every_probability_within_the_error(error: float) -> None:
    exact = random_pairs(2000, 2)
    shift = np.random.default_rng(0).uniform(-error, error, 2000)
    rough = replace(exact, visual=np.clip(exact.visual + shift, 0, 1).astype(np.float32))
    # float32 rounds the rough similarity itself
    least, most = probability_bounds(calibration(), rough, error + 1e-7)
    found = probability(calibration(), exact)
    assert (least <= found).all()
    assert (found <= most).all()
    assert error or (most - least).max() < 1e-3


def test_json_gives_the_same_calibration_back() -> None:
    fitted = calibration()
    again = Calibration.from_json(fitted.to_json())
    assert again == fitted
    assert again.digest == fitted.digest


def test_the_digest_names_the_content() -> None:
    fitted = calibration()
    assert fitted.digest == "a21d357ce571994821bbdb385929519f1ae156b06fe7711c9cb654b694da22b9"
    assert replace(fitted, held_out_ece=0.02).digest != fitted.digest
    shuffled = json.dumps(dict(reversed(json.loads(fitted.to_json()).items())), indent=1)
    assert Calibration.from_json(shuffled).digest == fitted.digest


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"placed": 3}', '{"placed": [], "unplaced": [], "scale": []}']
)
def test_a_text_that_is_no_calibration_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="fit it again"):
        Calibration.from_json(text)


def test_another_versions_calibration_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="version 5"):
        replace(calibration(), version=5)
    with pytest.raises(InvalidInputError, match="fit it again"):
        calibration(placed=(1.0, 2.0))


def test_a_kind_that_is_not_known_is_refused() -> None:
    text = calibration().to_json().replace('"kind":3', '"kind":9')
    with pytest.raises(InvalidInputError, match=r"9 is not a valid CalibrationKind.*fit it again"):
        Calibration.from_json(text)


def test_weights_that_are_not_finite_are_refused() -> None:
    for wrong in (math.nan, math.inf):
        with pytest.raises(InvalidInputError, match="fit it again"):
            calibration(placed=(wrong,) * (len(TERMS) + 1))


def test_calibration_error_of_constant_bins_is_their_distance_from_the_truth() -> None:
    # two bins: 0.2 with 1 of 10 same, 0.7 with 9 of 10
    found = np.repeat([0.2, 0.7], 10)
    same = np.array([True] + [False] * 9 + [True] * 9 + [False])
    assert expected_calibration_error(found, same, bins=2) == pytest.approx((0.1 + 0.2) / 2)


def test_calibration_error_is_zero_if_every_bin_is_right_and_one_if_all_is_wrong() -> None:
    same = np.arange(30) >= 15
    assert expected_calibration_error(same.astype(np.float64), same) == 0.0
    assert expected_calibration_error((~same).astype(np.float64), same, bins=2) == 1.0


def test_one_bin_measures_only_the_mean() -> None:
    rng = np.random.default_rng(4)
    found, same = rng.random(101), rng.random(101) < 0.3
    error = expected_calibration_error(found, same, bins=1)
    assert error == pytest.approx(abs(found.mean() - same.mean()))


def test_bins_of_equal_weight_hold_equally_many_pairs() -> None:
    rng = np.random.default_rng(5)
    found, same = np.sort(rng.random(60)), rng.random(60) < 0.5
    loop = sum(abs(found[i : i + 4].mean() - same[i : i + 4].mean()) * 4 / 60 for i in range(0, 60, 4))
    assert expected_calibration_error(found, same) == pytest.approx(loop)


def test_a_weight_of_two_is_a_pair_counted_twice() -> None:
    rng = np.random.default_rng(6)
    found, same = rng.random(30), rng.random(30) < 0.5
    once = expected_calibration_error(found, same, np.full(30, 2.0), bins=5)
    twice = expected_calibration_error(np.repeat(found, 2), np.repeat(same, 2), bins=5)
    assert once == pytest.approx(twice)


def test_true_probabilities_are_calibrated_but_for_chance() -> None:
    rng = np.random.default_rng(7)
    found = rng.random(100_000)
    assert expected_calibration_error(found, rng.random(100_000) < found) < 0.01


def test_calibration_of_nothing_cannot_be_measured() -> None:
    with pytest.raises(InvalidInputError, match="at least one"):
        expected_calibration_error(np.array([]), np.array([], dtype=np.bool_))
