"""From scores to probabilities.

A monotone logistic regression on named evidence terms, fitted to labels of the survey, gives the probability
that two detections show the same animal.

evidence     the terms whose weighted sum is the log-odds of a pair
logistic     logistic regression with bounds on the weights and a prior
model        the fitted calibration, and how well probabilities match outcomes
fit          fitting a calibration to labels
known_pairs  pairs whose answer is labelled or follows from labels
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spotted.lazy import lazy_face

if TYPE_CHECKING:
    from spotted.calibration.evidence import PairEvidence, Sides, Term, compare_sides, weigh
    from spotted.calibration.fit import Shrinkage, describe_shortage, fit_calibration, thin_pairs
    from spotted.calibration.known_pairs import find_known_pairs
    from spotted.calibration.logistic import Regression
    from spotted.calibration.model import (
        Calibration,
        expected_calibration_error,
        log_odds,
        probability,
        probability_bounds,
    )

__all__ = [
    "Calibration",
    "PairEvidence",
    "Regression",
    "Shrinkage",
    "Sides",
    "Term",
    "compare_sides",
    "describe_shortage",
    "expected_calibration_error",
    "find_known_pairs",
    "fit_calibration",
    "log_odds",
    "probability",
    "probability_bounds",
    "thin_pairs",
    "weigh",
]

# fitting needs scipy.optimize, which is slow to import; scoring by a fitted calibration does not
__getattr__ = lazy_face(
    __name__,
    {
        "evidence": ("PairEvidence", "Sides", "Term", "compare_sides", "weigh"),
        "fit": ("Shrinkage", "describe_shortage", "fit_calibration", "thin_pairs"),
        "known_pairs": ("find_known_pairs",),
        "logistic": ("Regression",),
        "model": (
            "Calibration",
            "expected_calibration_error",
            "log_odds",
            "probability",
            "probability_bounds",
        ),
    },
)
