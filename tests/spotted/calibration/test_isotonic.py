from __future__ import annotations

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from spotted.calibration.isotonic import IsotonicMean
from spotted.errors import InvalidInputError


def drawn(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    visual, local = rng.random(300).round(2), rng.gamma(2.0, 5.0, 300).round()
    same = rng.random(300) < visual * local / 40
    return visual, np.where(rng.random(300) < 0.4, np.nan, local), same, rng.uniform(0.5, 2.0, 300)


def test_it_is_the_mean_of_isotonic_regressions() -> None:
    visual, local, same, weights = drawn(0)
    known = ~np.isnan(local)
    found = IsotonicMean.fit([visual, local], same, weights).probability([visual, local])
    one = IsotonicRegression().fit(visual, same, weights).predict(visual)
    other = IsotonicRegression().fit(local[known], same[known], weights[known]).predict(local[known])
    expected = one.copy()
    expected[known] = (one[known] + other) / 2
    assert found == pytest.approx(expected, abs=1e-12)


def test_it_never_falls_as_a_score_grows_and_holds_beyond_what_it_was_fitted_to() -> None:
    visual, local, same, weights = drawn(1)
    fusion = IsotonicMean.fit([visual, local], same, weights)
    line = np.linspace(-1.0, 2.0, 50)
    assert (np.diff(fusion.probability([line, np.full(50, 7.0)])) >= 0).all()
    assert fusion.probability([np.array([-9.0, 9.0]), np.full(2, np.nan)]) == pytest.approx(
        fusion.probability([np.array([visual.min(), visual.max()]), np.full(2, np.nan)])
    )


def test_a_pair_of_which_nothing_is_known_has_no_probability() -> None:
    visual, local, same, weights = drawn(2)
    fusion = IsotonicMean.fit([visual, local], same, weights)
    assert np.isnan(fusion.probability([np.array([np.nan]), np.array([np.nan])])).all()


def test_a_score_that_is_never_known_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="leave it out"):
        IsotonicMean.fit([np.full(4, np.nan)], np.array([True, False, True, False]), np.ones(4))
