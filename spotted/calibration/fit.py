"""Fitting a calibration to labels: a monotone logistic regression with a prior towards the product.

Bounds on the weights make it monotone. A penalty of constant strength draws the weights towards log-odds
a * log(visual * feasibility) + b, which rank as the product does. The likelihood grows with the number of
labels, so a calibration fitted to few labels ranks almost as the product, and one fitted to many follows the
labels.

Labelled pairs are not a random sample of pairs, so the share of SAME pairs among them says nothing about that
of the survey. The number of photographs of an animal does not depend on whether it was labelled: the share is
set to the expected number of a detection's partners divided by the number of detections it competes with, and
SAME and DIFFERENT pairs are weighted to it. A few animals with many photographs make up most SAME pairs, so a
pair weighs less the more photographs its animals have, and the animal with the most photographs counts as if
it had as many as the second.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from spotted.arrays import BoolArray, Float64Array, IntArray
from spotted.calibration.evidence import LOOKS, TERMS, PairEvidence, Term
from spotted.calibration.logistic import Regression
from spotted.calibration.model import Calibration, expected_calibration_error, log_odds
from spotted.errors import InvalidInputError, PreconditionError

# with fewer known pairs of either answer, or fewer individuals with a SAME pair, the product may rank better
FEWEST_LABELS = 20
FEWEST_INDIVIDUALS = 5
# half of this is the cost, in nats of likelihood, of a weight one standard deviation off; chosen by trial
SHRINKAGE = 5.0
# the slope of the product is drawn loosely to 1, within limits
LOOSE = 0.1
LEAST_STEEP, STEEPEST = 0.05, 20.0
# the pull on the constant, which is free: small, only to keep it finite
FREE = 1e-6
SHARES = (1e-5, 0.5)
FOLDS = 5
# fitting to this number of pairs takes about a second
MOST_PAIRS = 50_000
LEAST_DEVIATION = 1e-3
# digits of a weight that are kept; further ones may depend on the order of sums
DIGITS = 6


@dataclass(frozen=True, slots=True)
class Shrinkage:
    """The prior on the weights.

    >>> Shrinkage().strength, Shrinkage(strength=0.0)
    (5.0, Shrinkage(strength=0.0, monotone=True))
    """

    strength: float = SHRINKAGE
    """Strength of the pull towards the product; 0 for none."""
    monotone: bool = True
    """Whether the weights of growing terms must not be negative."""


def describe_shortage(individuals: IntArray) -> str:
    """A message saying which labels are missing for a calibration; "" if there are enough.

    individuals: (m, 2), the individual of each end of the labelled pairs.
    """
    same = individuals[:, 0] == individuals[:, 1]
    known = (int(same.sum()), int((~same).sum()), len(np.unique(individuals[same])))
    needed = (FEWEST_LABELS, FEWEST_LABELS, FEWEST_INDIVIDUALS)
    if all(have >= need for have, need in zip(known, needed, strict=True)):
        return ""
    return (
        "not calibrated, the product is used: {} same and {} different pairs are known, and {} individuals "
        "with two detections; {} and {} pairs and {} individuals are needed".format(*known, *needed)
    )


def thin_pairs(individuals: IntArray, rng: np.random.Generator, *, most: int = MOST_PAIRS) -> IntArray:
    """Rows of at most `most` labelled pairs, in order: all SAME ones, and DIFFERENT ones at random.

    individuals: (m, 2), the individual of each end. All SAME pairs are kept, even if more than `most`.
    """
    same = individuals[:, 0] == individuals[:, 1]
    different = np.flatnonzero(~same)
    room = min(max(most - int(same.sum()), 0), len(different))
    return np.sort(np.concatenate([np.flatnonzero(same), rng.choice(different, room, replace=False)]))


def fit_calibration(
    pairs: PairEvidence, individuals: IntArray, *, candidates: int, shrinkage: Shrinkage | None = None
) -> Calibration:
    """Fit the weights to pairs whose answer is known; equal input gives equal weights.

    pairs: (m,) all pairs whose answer is labelled or implied by labels; if they are too many, those of
        `thin_pairs`. NOT_COMPARABLE pairs are left out.
    individuals: (m, 2), the individual of each end as any number; equal numbers make a SAME pair.
    candidates: number of detections that a detection competes with, usually the size of the survey less one.
    shrinkage: the prior; None for the default.
    Raises PreconditionError with the message of `describe_shortage` if there are too few labels;
    InvalidInputError if a visual similarity is outside [0, 1], shapes differ, or `candidates` is below 1.

    >>> from spotted.calibration.model import probability
    >>> rng = np.random.default_rng(0)
    >>> animal = np.arange(24) // 4
    >>> first, second = np.triu_indices(24, 1)
    >>> same = animal[first] == animal[second]
    >>> unknown = np.full(len(same), np.nan)
    >>> pairs = PairEvidence(
    ...     visual=np.clip(np.where(same, 0.8, 0.3) + rng.normal(0.0, 0.1, len(same)), 0.0, 1.0),
    ...     feasibility=unknown,
    ...     distance_m=unknown,
    ...     gap_s=unknown,
    ...     sides=np.full(len(same), 1, np.int8),
    ... )
    >>> animals = np.stack([animal[first], animal[second]], axis=1)
    >>> calibration = fit_calibration(pairs, animals, candidates=23)
    >>> calibration.same_pairs, calibration.different_pairs, calibration.individuals
    (36, 240, 6)
    >>> likely = probability(calibration, pairs)
    >>> bool(likely[same].mean() > 0.9), bool(likely[~same].mean() < 0.1)
    (True, True)
    """
    _check(pairs, individuals, candidates)
    if reason := describe_shortage(individuals):
        raise PreconditionError(reason)
    labels = _labelled(pairs, individuals, candidates)
    prior = shrinkage or Shrinkage()
    return _calibration(labels, *_fit(labels, prior), _held_out_error(labels, candidates, prior))


def _check(pairs: PairEvidence, individuals: IntArray, candidates: int) -> None:
    """Raise InvalidInputError if shapes or values of labelled pairs are invalid."""
    count = len(individuals)
    columns = (pairs.visual, pairs.feasibility, pairs.distance_m, pairs.gap_s, pairs.sides)
    if individuals.shape != (count, 2) or any(column.shape != (count,) for column in columns):
        raise InvalidInputError(
            f"pairs have shapes {[column.shape for column in columns]} and individuals {individuals.shape}; "
            "send (m,) and (m, 2)",
            field="pairs",
        )
    if not ((pairs.visual >= 0) & (pairs.visual <= 1)).all():
        raise InvalidInputError("a visual similarity is outside [0, 1]; clip it", field="pairs.visual")
    if candidates < 1:
        raise InvalidInputError(f"candidates is {candidates}; use at least 1", field="candidates")


@dataclass(frozen=True, slots=True)
class _Labels:
    """Labelled pairs with their weights."""

    pairs: PairEvidence
    individuals: IntArray
    """(m, 2) the individual of each end."""
    same: BoolArray
    """(m,) whether both ends are one individual."""
    weights: Float64Array
    """(m,) for SAME pairs, they add up to the number of photographs; for others, to what `share` implies."""
    photographs: dict[int, float]
    """Individual -> estimated number of its detections."""
    share: float
    """Share of SAME pairs in the survey."""


def _labelled(pairs: PairEvidence, individuals: IntArray, candidates: int) -> _Labels:
    same = individuals[:, 0] == individuals[:, 1]
    known, ends = np.unique(individuals, return_inverse=True)
    ends = ends.reshape(individuals.shape)
    # n photographs of an animal make n (n - 1) / 2 same pairs
    count = (1 + np.sqrt(1 + 8 * np.bincount(ends[same, 0], minlength=len(known)))) / 2
    share = float(np.clip(_partners(count) / candidates, *SHARES))
    mass = (count[ends[:, 0]] * count[ends[:, 1]]) ** -0.25
    weights = _balanced(same, mass, share) * count.sum() / share
    photographs = dict(zip(known.tolist(), count.tolist(), strict=True))
    return _Labels(pairs, individuals, same, weights, photographs, share)


def _partners(photographs: Float64Array) -> float:
    """Expected number of other detections of a detection's animal; the largest count is cut to the second."""
    count = np.sort(photographs)
    count[-1] = count[-2:].min()
    return float((count * (count - 1)).sum() / count.sum())


def _balanced(same: BoolArray, mass: Float64Array, share: float) -> Float64Array:
    """Weights that sum to 1, those of SAME pairs to their share; within each answer in proportion to mass."""
    sums = np.array([mass[~same].sum(), mass[same].sum()])
    # if one answer has no pairs, its weight is spread over nothing
    per_mass = np.divide([1 - share, share], sums, out=np.zeros(2), where=sums > 0)
    return np.asarray(mass * per_mass[same.astype(np.int64)])


def _fit(labels: _Labels, shrinkage: Shrinkage) -> tuple[Float64Array, Float64Array]:
    """Constant and weights of TERMS from the pairs with position and time, and of LOOKS from all."""
    product = _product(labels)
    placed = labels.pairs.placed()
    return (
        _regression(labels, placed, TERMS, product, shrinkage),
        _regression(labels, np.ones(len(placed), np.bool_), LOOKS, product, shrinkage),
    )


def _product(labels: _Labels) -> Float64Array:
    """Constant and slope over the log of the product, or of the visual score if feasibility is unknown."""
    visual, feasibility = (_table(labels.pairs, _named(name)) for name in ("log_visual", "log_feasibility"))
    score = visual + np.nan_to_num(feasibility)
    start = np.array([0.0, 1.0])
    pull = np.array([FREE, LOOSE])
    design = np.hstack([np.ones_like(score), score])
    bounds = scipy.optimize.Bounds([-np.inf, LEAST_STEEP], [np.inf, STEEPEST])
    return Regression(design, labels.same, labels.weights, start, pull, bounds).solve()


def _regression(
    labels: _Labels, chosen: BoolArray, terms: tuple[Term, ...], product: Float64Array, shrinkage: Shrinkage
) -> Float64Array:
    """Constant and weights of terms, drawn towards the product in units of each term's deviation."""
    values = _table(labels.pairs.at(chosen), terms)
    scale = _deviations(values)
    centre = [product[1] if term.name in {"log_visual", "log_feasibility"} else 0.0 for term in terms]
    start = np.array([product[0], *(centre * scale)])
    pull = np.array([FREE, *(max(shrinkage.strength, FREE) for _ in terms)])
    bounds = scipy.optimize.Bounds(
        [-np.inf, *(0.0 if term.grows and shrinkage.monotone else -np.inf for term in terms)]
    )
    design = np.hstack([np.ones((len(values), 1)), values / scale])
    same, weights = labels.same[chosen], labels.weights[chosen]
    solution = Regression(design, same, weights, start, pull, bounds).solve()
    return np.array([solution[0], *(solution[1:] / scale)])


def _held_out_error(labels: _Labels, candidates: int, shrinkage: Shrinkage) -> float:
    """Calibration error over FOLDS groups of individuals, each predicted from the others."""
    often = sorted(labels.photographs, key=lambda i: (-labels.photographs[i], i))
    fold = {individual: rank % FOLDS for rank, individual in enumerate(often)}
    folds = np.vectorize(fold.__getitem__, otypes=[np.int64])(labels.individuals)
    odds, same, mass = [], [], []
    for left_out in range(FOLDS):
        held = (folds == left_out).any(axis=1)
        learned = _labelled(labels.pairs.at(~held), labels.individuals[~held], candidates)
        fitted = _calibration(learned, *_fit(learned, shrinkage), error=0.0)
        odds.append(log_odds(fitted, labels.pairs.at(held)))
        same.append(labels.same[held])
        # a pair across two folds is predicted in both
        mass.append(np.where(folds[held, 0] == folds[held, 1], 1.0, 0.5))
    answers = np.concatenate(same)
    weights = _balanced(answers, np.concatenate(mass), labels.share)
    return expected_calibration_error(scipy.special.expit(np.concatenate(odds)), answers, weights)


def _calibration(labels: _Labels, placed: Float64Array, unplaced: Float64Array, error: float) -> Calibration:
    same = int(labels.same.sum())
    share, held_out_ece = _rounded(np.array([labels.share, error]))
    return Calibration(
        placed=_rounded(placed),
        unplaced=_rounded(unplaced),
        scale=_rounded(_deviations(_table(labels.pairs.at(labels.pairs.placed()), TERMS))),
        same_pairs=same,
        different_pairs=len(labels.same) - same,
        individuals=len(labels.photographs),
        share=share,
        held_out_ece=held_out_ece,
    )


def _named(name: str) -> tuple[Term, ...]:
    return tuple(term for term in TERMS if term.name == name)


def _table(pairs: PairEvidence, terms: tuple[Term, ...]) -> Float64Array:
    """Values (m, terms)."""
    return np.column_stack([term.of(pairs) for term in terms]).astype(np.float64)


def _deviations(values: Float64Array) -> Float64Array:
    """Standard deviation of each column, with a floor for columns that hardly vary."""
    return np.maximum(values.std(axis=0), LEAST_DEVIATION) if len(values) else np.ones(values.shape[1])


def _rounded(values: Float64Array) -> tuple[float, ...]:
    # adding 0 turns -0 into 0, which reads and hashes differently
    return tuple(float(f"{value:.{DIGITS}g}") + 0.0 for value in values)
