from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import Bounds
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from spotted.arrays import BoolArray, Float64Array
from spotted.calibration.logistic import Regression

WEIGHTS = np.array([-1.0, 2.0, -0.5])


def drawn(count: int, seed: int) -> tuple[Float64Array, BoolArray, Float64Array]:
    rng = np.random.default_rng(seed)
    design = np.hstack([np.ones((count, 1)), rng.normal(size=(count, 2))])
    return design, rng.random(count) < expit(design @ WEIGHTS), rng.uniform(0.2, 3.0, count)


def regression(*, pull: float = 0.0, least: float = -np.inf, count: int = 500) -> Regression:
    design, truth, weights = drawn(count, 3)
    pulls = np.array([1e-9, pull, pull])
    return Regression(design, truth, weights, np.zeros(3), pulls, Bounds([-np.inf, least, least]))


def test_without_bounds_or_pull_it_agrees_with_scikit_learn() -> None:
    problem = regression()
    reference = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000)
    reference.fit(problem.design[:, 1:], problem.truth, sample_weight=problem.weights)
    expected = [*reference.intercept_, *reference.coef_[0]]
    assert problem.solve() == pytest.approx(expected, abs=1e-5)


def test_the_pull_is_scikit_learns_ridge_around_zero() -> None:
    problem = regression(pull=50.0)
    reference = LogisticRegression(C=1 / 50, tol=1e-10, max_iter=1000)
    reference.fit(problem.design[:, 1:], problem.truth, sample_weight=problem.weights)
    assert problem.solve() == pytest.approx([*reference.intercept_, *reference.coef_[0]], abs=1e-5)


def test_weights_that_made_the_answers_are_found_again() -> None:
    assert regression(count=40_000).solve() == pytest.approx(WEIGHTS, abs=0.1)


def test_a_bound_holds_and_the_rest_is_solved_for_it() -> None:
    problem = regression(least=0.0)
    found = problem.solve()
    assert found[2] == 0.0
    gradient = problem.loss(found)[1]
    # no way down is left: none along the free weights, and only upwards at the bound
    assert gradient[:2] == pytest.approx([0.0, 0.0], abs=1e-8)
    assert gradient[2] > 0


def test_the_gradient_is_that_of_the_loss() -> None:
    problem = regression(pull=2.0)
    at = np.array([0.3, -0.7, 1.1])
    step = 1e-6
    numeric = [
        (problem.loss(at + step * e)[0] - problem.loss(at - step * e)[0]) / (2 * step) for e in np.eye(3)
    ]
    assert problem.loss(at)[1] == pytest.approx(numeric, rel=1e-5)


def test_an_infinite_pull_stays_where_it_starts() -> None:
    design, truth, weights = drawn(100, 5)
    start = np.array([0.5, -0.5, 0.25])
    held = Regression(design, truth, weights, start, np.full(3, 1e12), Bounds())
    assert held.solve() == pytest.approx(start, abs=1e-6)


def test_the_order_of_examples_moves_no_kept_digit() -> None:
    problem = regression(pull=2.0)
    order = np.random.default_rng(0).permutation(len(problem.truth))
    shuffled = Regression(
        problem.design[order],
        problem.truth[order],
        problem.weights[order],
        problem.start,
        problem.pull,
        problem.bounds,
    )
    assert shuffled.solve() == pytest.approx(problem.solve(), rel=1e-10)


def test_answers_that_the_design_separates_stay_finite_under_a_pull() -> None:
    design = np.column_stack([np.ones(20), np.linspace(-1, 1, 20)])
    problem = Regression(
        design, design[:, 1] > 0, np.full(20, 1e4), np.zeros(2), np.array([1e-6, 1.0]), Bounds()
    )
    assert np.isfinite(problem.solve()).all()
