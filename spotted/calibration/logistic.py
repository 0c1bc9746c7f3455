"""Logistic regression with weighted examples, bounds on the weights and a pull towards a starting point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from spotted.arrays import BoolArray, Float64Array

MOST_STEPS = 500
# after the quasi-Newton search; then few digits depend on its path or on the order of examples
NEWTON_STEPS = 3


@dataclass(frozen=True, slots=True)
class Regression:
    """Weighted examples and the constraints on the weights w.

    >>> from scipy.optimize import Bounds
    >>> regression = Regression(
    ...     design=np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [1.0, 3.0]]),
    ...     truth=np.array([False, True, False, True]),
    ...     weights=np.ones(4),
    ...     start=np.zeros(2),
    ...     pull=np.full(2, 0.1),
    ...     bounds=Bounds([-np.inf, 0.0]),
    ... )
    >>> regression.solve().round(3)
    array([-0.923,  0.686])
    """

    design: Float64Array
    """(m, k) values that the weights multiply, with a column of ones for the constant."""
    truth: BoolArray | Float64Array
    """(m,) the answer of each example, or the probability that it is true."""
    weights: Float64Array
    """(m,) the weight of each example."""
    start: Float64Array
    """(k,) the weights without examples."""
    pull: Float64Array
    """(k,) the loss grows by pull / 2 * (w - start)^2; a pull above 0 makes it strictly convex."""
    bounds: scipy.optimize.Bounds
    """Lower and upper bound of each weight."""

    def solve(self) -> Float64Array:
        """The weights (k,) of least loss: minus the weighted log-likelihood, plus the pull."""
        result = scipy.optimize.minimize(
            self.loss,
            self.start,
            jac=True,
            method="L-BFGS-B",
            bounds=self.bounds,
            options={"maxiter": MOST_STEPS},
        )
        at = np.asarray(result.x, dtype=np.float64)
        for _ in range(NEWTON_STEPS):
            at = self._newton(at)
        return at

    def loss(self, at: Float64Array) -> tuple[float, Float64Array]:
        """The loss at weights (k,), and its gradient (k,)."""
        odds, off = self.design @ at, at - self.start
        # log(1 + e^z) - y z, finite even if e^z overflows
        misfit = np.log1p(np.exp(-np.abs(odds))) + np.maximum(odds, 0.0) - self.truth * odds
        gradient = self.design.T @ (self.weights * (scipy.special.expit(odds) - self.truth)) + self.pull * off
        return float(self.weights @ misfit + self.pull @ off**2 / 2), gradient

    def _newton(self, at: Float64Array) -> Float64Array:
        """One Newton step over the weights that are not at a bound."""
        free = (at > self.bounds.lb) & (at < self.bounds.ub)
        odds, columns = self.design @ at, self.design[:, free]
        bend = (
            columns.T * (self.weights * scipy.special.expit(odds) * scipy.special.expit(-odds))
        ) @ columns + np.diag(self.pull[free])
        moved = at.copy()
        moved[free] -= np.linalg.solve(bend, self.loss(at)[1][free])
        return np.asarray(np.clip(moved, self.bounds.lb, self.bounds.ub), dtype=np.float64)
