"""The probability that two detections show one animal, and how far such probabilities are off (ours).

The log-odds are a weighted sum of the terms of `evidence`; `fit` learns the weights from a survey's own
labels. A second sum, of looks and sides alone, judges pairs without place or time.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace

import numpy as np
from scipy.special import expit

from spotted.arrays import BoolArray, Float32Array, FloatArray
from spotted.calibration.evidence import LOOKS, TERMS, Pairs, weighed
from spotted.errors import InvalidInputError

# meaning of the terms and of the weights; those of another version cannot be read
VERSION = 1
# equally many pairs in each bin of the calibration error
BINS = 15
# what rounding to float32 moves log-odds by, at most, with room
ROUNDING = 1e-4


@dataclass(frozen=True, slots=True)
class Calibration:
    """What `fit_calibration` learned.

    placed: constant, then the weight of each of TERMS; unplaced: the same of LOOKS, for pairs without place.
    scale: standard deviation of each of TERMS over the labelled pairs, by which shrinkage was measured.
    same_pairs, different_pairs, individuals: the evidence. share: of same pairs, that the constants assume.
    held_out_ece: expected calibration error on individuals that were left out (BINS bins of equal weight);
        pairs count as the share has it.
    """

    placed: tuple[float, ...]
    unplaced: tuple[float, ...]
    scale: tuple[float, ...]
    same_pairs: int
    different_pairs: int
    individuals: int
    share: float
    held_out_ece: float
    version: int = VERSION

    def __post_init__(self) -> None:
        """Raise InvalidInputError where the weights are not those of this version's terms, or not finite."""
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
        """The calibration in a text. Raises InvalidInputError where it holds something else."""
        try:
            fields = json.loads(text)
            rows = {key: tuple(map(float, fields[key])) for key in ("placed", "unplaced", "scale")}
            return cls(**{**fields, **rows})
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidInputError(
                f"the text is no calibration ({error}); fit it again", field="calibration"
            ) from error


def log_odds(calibration: Calibration, pairs: Pairs) -> FloatArray:
    """Natural log-odds of "same individual" of each pair, elementwise, in the precision of `pairs.visual`.

    They never fall as visual similarity grows, nor as the distance shrinks at the same gap (ours).
    """
    placed = weighed(pairs, TERMS, calibration.placed)
    known = pairs.placed()
    return placed if known.all() else np.where(known, placed, weighed(pairs, LOOKS, calibration.unplaced))


def probability(calibration: Calibration, pairs: Pairs) -> Float32Array:
    """Probability that each pair shows one animal, float32, elementwise."""
    return np.asarray(expit(log_odds(calibration, pairs)), dtype=np.float32)


def probability_bounds(
    calibration: Calibration, pairs: Pairs, error: float
) -> tuple[Float32Array, Float32Array]:
    """Least and largest float64 probability of pairs whose visual similarity is known within `error`.

    Holds for pairs in float32, whose own rounding ROUNDING covers.
    """
    low, high = (
        log_odds(calibration, replace(pairs, visual=np.clip(pairs.visual + shift, 0.0, 1.0)))
        for shift in (-error, error)
    )
    least, most = expit(low - ROUNDING), expit(high + ROUNDING)
    return np.asarray(least, dtype=np.float32), np.asarray(most, dtype=np.float32)


def expected_calibration_error(
    probabilities: FloatArray, same: BoolArray, weights: FloatArray | None = None, *, bins: int = BINS
) -> float:
    """Mean over equal-mass bins of |mean probability - share of same pairs|, weighted by mass.

    probabilities, same, weights: (m,); pairs are ordered by probability, equal ones as they come.
    Raises InvalidInputError without a pair.
    """
    if not len(probabilities):
        raise InvalidInputError("there is no pair to measure calibration on; send at least one")
    order = np.argsort(probabilities, kind="stable")
    mass = np.ones(len(order)) if weights is None else weights[order].astype(np.float64)
    middle = (np.cumsum(mass) - mass / 2) / mass.sum()
    surplus = mass * (probabilities[order].astype(np.float64) - same[order])
    return float(np.abs(np.bincount((middle * bins).astype(np.int64), surplus)).sum() / mass.sum())
