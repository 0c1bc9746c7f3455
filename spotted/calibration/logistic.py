"""Logistic regression with weighted examples, bounds on its weights and a pull towards a starting point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, minimize
from scipy.special import expit

from spotted.arrays import BoolArray, Float64Array

MOST_STEPS = 500
# after a quasi-Newton search, so that hardly a digit depends on the way there or on the order of examples
NEWTON_STEPS = 3


@dataclass(frozen=True, slots=True)
class Regression:
    """Examples and what the weights w are held to.

    design: (m, k), what the weights multiply, a column of ones for the constant. truth, weights: (m,).
    start, pull: (k,), the loss grows by pull / 2 * (w - start)^2; a pull above 0 makes it strictly convex.
    bounds: least and largest of each weight.
    """

    design: Float64Array
    truth: BoolArray
    weights: Float64Array
    start: Float64Array
    pull: Float64Array
    bounds: Bounds

    def solved(self) -> Float64Array:
        """The weights (k,) of least loss: minus the weighted log-likelihood, plus the pull."""
        found = minimize(
            self.loss,
            self.start,
            jac=True,
            method="L-BFGS-B",
            bounds=self.bounds,
            options={"maxiter": MOST_STEPS},
        )
        at = np.asarray(found.x, dtype=np.float64)
        for _ in range(NEWTON_STEPS):
            at = self._newton(at)
        return at

    def loss(self, at: Float64Array) -> tuple[float, Float64Array]:
        """The loss at some weights (k,), and its gradient (k,)."""
        odds, off = self.design @ at, at - self.start
        # log(1 + e^z) - y z, finite where e^z overflows
        misfit = np.log1p(np.exp(-np.abs(odds))) + np.maximum(odds, 0.0) - self.truth * odds
        gradient = self.design.T @ (self.weights * (expit(odds) - self.truth)) + self.pull * off
        return float(self.weights @ misfit + self.pull @ off**2 / 2), gradient

    def _newton(self, at: Float64Array) -> Float64Array:
        """One step over the weights that are not at a bound."""
        free = (at > self.bounds.lb) & (at < self.bounds.ub)
        odds, columns = self.design @ at, self.design[:, free]
        bend = (columns.T * (self.weights * expit(odds) * expit(-odds))) @ columns + np.diag(self.pull[free])
        moved = at.copy()
        moved[free] -= np.linalg.solve(bend, self.loss(at)[1][free])
        return np.asarray(np.clip(moved, self.bounds.lb, self.bounds.ub), dtype=np.float64)
