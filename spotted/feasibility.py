"""Could one animal have made each journey? Spatio-temporal feasibility (Spotted eqs. 1-3)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FeasibilityParams:
    """Knobs of feasibility; all but `decay` are off by default.

    decay: rate lambda of exp(-lambda * d' / g') (paper: 1).
    clock_uncertainty_s: added to the gap of a pair that touches a camera whose clock is suspect (ours).
    use_location_uncertainty: shorten distances by both cameras' uncertainty (ours).
    max_speed_kmh: a pair that needs more is infeasible, score 0; None for no limit (ours).
    """

    decay: float = 1.0
    clock_uncertainty_s: float = 0.0
    use_location_uncertainty: bool = False
    max_speed_kmh: float | None = None
