"""From scores to probabilities.

A monotone logistic regression on named evidence terms, fitted to labels of the survey, gives the probability
that two detections show the same animal.

looks        visual similarity with matched marks
evidence     the terms whose weighted sum is the log-odds of a pair
logistic     logistic regression with bounds on the weights and a prior
kinds        how much of the evidence a calibration ranks by
model        the fitted calibration, and how well probabilities match outcomes
labels       labelled pairs, and what they weigh
starting     the calibration of a survey without labels
unanswered   how likely pairs without an answer show one animal
weights      the regressions
held_out     the guard: how calibrations judge individuals that they were not fitted to
fit          fitting a calibration to labels
background   random pairs beside the answers of a session
known_pairs  pairs whose answer is labelled or follows from labels
isotonic     the mean of isotonic estimates, a baseline for evaluations
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spotted.lazy import lazy_face

if TYPE_CHECKING:
    from spotted.calibration.background import draw_background
    from spotted.calibration.evidence import PairEvidence, Sides, Term, compare_sides, weigh
    from spotted.calibration.fit import fit_calibration
    from spotted.calibration.isotonic import IsotonicMean
    from spotted.calibration.kinds import CalibrationKind
    from spotted.calibration.known_pairs import find_known_pairs
    from spotted.calibration.labels import describe_shortage, thin_pairs
    from spotted.calibration.logistic import Regression
    from spotted.calibration.model import (
        Calibration,
        expected_calibration_error,
        log_odds,
        probability,
        probability_bounds,
    )
    from spotted.calibration.starting import starting_calibration
    from spotted.calibration.weights import Shrinkage

__all__ = [
    "Calibration",
    "CalibrationKind",
    "IsotonicMean",
    "PairEvidence",
    "Regression",
    "Shrinkage",
    "Sides",
    "Term",
    "compare_sides",
    "describe_shortage",
    "draw_background",
    "expected_calibration_error",
    "find_known_pairs",
    "fit_calibration",
    "log_odds",
    "probability",
    "probability_bounds",
    "starting_calibration",
    "thin_pairs",
    "weigh",
]

# fitting needs scipy.optimize, which is slow to import; scoring by a fitted calibration does not
__getattr__ = lazy_face(
    __name__,
    {
        "background": ("draw_background",),
        "evidence": ("PairEvidence", "Sides", "Term", "compare_sides", "weigh"),
        "fit": ("fit_calibration",),
        "isotonic": ("IsotonicMean",),
        "kinds": ("CalibrationKind",),
        "known_pairs": ("find_known_pairs",),
        "labels": ("describe_shortage", "thin_pairs"),
        "logistic": ("Regression",),
        "model": (
            "Calibration",
            "expected_calibration_error",
            "log_odds",
            "probability",
            "probability_bounds",
        ),
        "starting": ("starting_calibration",),
        "weights": ("Shrinkage",),
    },
)
