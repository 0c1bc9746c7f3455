"""The probability that two detections show one animal, and the error of such probabilities.

The log-odds are a weighted sum of the terms of `evidence`; `fit` learns the weights from a survey's own
labels. A second sum, only of looks, is for pairs without position or time.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace

import numpy as np
import scipy

from spotted.arrays import BoolArray, Float32Array, Float64Array, FloatArray
from spotted.calibration.evidence import LOOKS, TERMS, PairEvidence, weigh
from spotted.calibration.kinds import CalibrationKind
from spotted.errors import InvalidInputError

# of the meaning of terms and weights; another version cannot be read
VERSION = 4
# of the calibration error; each holds the same number of pairs
BINS = 15
# upper bound of the error of log-odds by rounding to float32, with a margin
ROUNDING = 1e-4
# digits of a weight that are kept; further ones may depend on the order of sums
DIGITS = 6


@dataclass(frozen=True, slots=True)
class Calibration:
    """The result of `fit_calibration`.

    >>> weights = {term.name: 0.0 for term in TERMS} | {"log_visual": 4.0, "log_feasibility": 1.0}
    >>> calibration = Calibration(
    ...     kind=CalibrationKind.EVIDENCE,
    ...     placed=(2.0, *weights.values()),
    ...     unplaced=(2.0, *(weights[term.name] for term in LOOKS)),
    ...     scale=(1.0,) * len(TERMS),
    ...     same_pairs=40,
    ...     different_pairs=400,
    ...     individuals=12,
    ...     share=0.02,
    ...     held_out_ece=0.01,
    ... )
    >>> unknown = np.full(2, np.nan)
    >>> pairs = PairEvidence(np.array([0.9, 0.3]), unknown, unknown, unknown, np.ones(2, np.int8))
    >>> [f"{chance:.2f}" for chance in probability(calibration, pairs)]
    ['0.83', '0.06']
    >>> Calibration.from_json(calibration.to_json()) == calibration
    True
    """

    kind: CalibrationKind
    """How it ranks."""
    placed: tuple[float, ...]
    """The constant, then the weight of each of TERMS, for pairs with position and time."""
    unplaced: tuple[float, ...]
    """The constant, then the weight of each of LOOKS, for other pairs."""
    scale: tuple[float, ...]
    """Standard deviation of each of TERMS over the labelled pairs, the unit of shrinkage."""
    same_pairs: int
    """Number of SAME pairs it was fitted to."""
    different_pairs: int
    """Number of DIFFERENT pairs it was fitted to."""
    individuals: int
    """Number of individuals among these pairs."""
    share: float
    """Share of SAME pairs in the survey that the constants assume."""
    held_out_ece: float | None = None
    """Expected calibration error on held-out individuals, in BINS bins of equal weight; None if not measured.

    SAME and DIFFERENT pairs are weighted to `share`."""
    held_out_gain: float | None = None
    """Share of the queries of held-out individuals that all evidence finds first, less that of the product.

    None if it was not measured."""
    uses_marks: bool = True
    """Whether matched marks count; False if left-out individuals rank better without them."""
    version: int = VERSION

    def __post_init__(self) -> None:
        """Raise InvalidInputError if the weights do not fit this version's terms, or are not finite."""
        lengths = (len(self.placed), len(self.unplaced), len(self.scale))
        expected = (len(TERMS) + 1, len(LOOKS) + 1, len(TERMS))
        finite = np.isfinite([*self.placed, *self.unplaced, *self.scale]).all()
        if self.version != VERSION or lengths != expected or not finite:
            raise InvalidInputError(
                f"a calibration of version {self.version}, {lengths} weights, cannot be used; fit it again",
                field="calibration",
            )

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the canonical JSON: the calibration version of a probability."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def to_json(self) -> str:
        """Canonical JSON: keys sorted, no spaces."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Calibration:
        """Parse `to_json`. Raises InvalidInputError if the text is not a calibration."""
        try:
            fields = json.loads(text)
            rows = {key: tuple(map(float, fields[key])) for key in ("placed", "unplaced", "scale")}
            return cls(**{**fields, **rows, "kind": CalibrationKind(fields["kind"])})
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidInputError(
                f"the text is not a calibration ({error}); fit it again", field="calibration"
            ) from error


def log_odds(calibration: Calibration, pairs: PairEvidence) -> FloatArray:
    """Natural log-odds of "same individual" of each pair, elementwise, in the precision of `pairs.visual`.

    They never fall if visual similarity grows, or if the distance shrinks at the same gap.
    """
    if not calibration.uses_marks:
        pairs = replace(pairs, local=None)
    placed = weigh(pairs, TERMS, calibration.placed)
    known = pairs.placed()
    return placed if known.all() else np.where(known, placed, weigh(pairs, LOOKS, calibration.unplaced))


def rounded(values: Float64Array) -> tuple[float, ...]:
    """Weights to DIGITS digits."""
    # adding 0 turns -0 into 0, which reads and hashes differently
    return tuple(float(f"{value:.{DIGITS}g}") + 0.0 for value in values)


def probability(calibration: Calibration, pairs: PairEvidence) -> Float32Array:
    """Probability that each pair shows one animal, float32, elementwise."""
    return np.asarray(scipy.special.expit(log_odds(calibration, pairs)), dtype=np.float32)


def probability_bounds(
    calibration: Calibration, pairs: PairEvidence, error: float
) -> tuple[Float32Array, Float32Array]:
    """Least and largest float64 probability of pairs whose visual similarity is known within `error`.

    Holds for pairs in float32: ROUNDING covers their rounding.
    """
    low, high = (
        log_odds(calibration, replace(pairs, visual=np.clip(pairs.visual + shift, 0.0, 1.0)))
        for shift in (-error, error)
    )
    least, most = scipy.special.expit(low - ROUNDING), scipy.special.expit(high + ROUNDING)
    return np.asarray(least, dtype=np.float32), np.asarray(most, dtype=np.float32)


def expected_calibration_error(
    probabilities: FloatArray,
    same: BoolArray | Float64Array,
    weights: FloatArray | None = None,
    *,
    bins: int = BINS,
) -> float:
    """Mean over equal-mass bins of |mean probability - share of same pairs|, weighted by mass.

    probabilities, same, weights: (m,); pairs are ordered by probability, ties by position. same: the answers,
    or how likely each pair is the same.
    Raises InvalidInputError if there are no pairs.

    >>> same = np.array([False, True, True, True])
    >>> round(expected_calibration_error(np.array([0.5, 0.5, 0.9, 0.9]), same, bins=2), 3)
    0.05
    """
    if not len(probabilities):
        raise InvalidInputError("no pairs to measure calibration on; send at least one")
    order = np.argsort(probabilities, kind="stable")
    mass = np.ones(len(order)) if weights is None else weights[order].astype(np.float64)
    middle = (np.cumsum(mass) - mass / 2) / mass.sum()
    surplus = mass * (probabilities[order].astype(np.float64) - same[order])
    return float(np.abs(np.bincount((middle * bins).astype(np.int64), surplus)).sum() / mass.sum())
