"""Learning a calibration from labels: a monotone logistic regression, drawn towards the product (ours).

Bounds on the weights make it monotone. A penalty of constant strength draws them towards log-odds
a * log(visual * feasibility) + b, which rank as the product does; as labels grow in number, so does the
likelihood it is weighed against, so few labels rank almost as the product and many as they teach.

Labelled pairs are no random sample of pairs, so the share of same pairs among them says nothing about the
survey's. How many photographs an animal has does not depend on whether it was labelled: the share is set to
the expected number of a detection's partners over the number of detections it competes with, and same and
different pairs are weighted to it. A few animals with many photographs make most of all same pairs, so a
pair weighs less the more photographs its animals have, and one exceptional animal counts as the second.
All of this is ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds
from scipy.special import expit

from spotted.arrays import BoolArray, Float64Array, IntArray
from spotted.calibration.evidence import LOOKS, TERMS, Pairs, Term
from spotted.calibration.logistic import Regression
from spotted.calibration.model import Calibration, expected_calibration_error, log_odds
from spotted.errors import InvalidInputError, PreconditionError

# with fewer known pairs of either answer, or individuals with a SAME pair, the product may rank better
FEWEST_LABELS = 20
FEWEST_INDIVIDUALS = 5
# a weight one standard deviation off costs half of this, in nats of likelihood (ours, by trial)
SHRINKAGE = 5.0
# the product's own slope is drawn to 1, loosely, within limits
LOOSE = 0.1
LEAST_STEEP, STEEPEST = 0.05, 20.0
# the constant is free; so small a pull only keeps it finite
FREE = 1e-6
SHARES = (1e-5, 0.5)
FOLDS = 5
# so many are learned from within a second
MOST_PAIRS = 50_000
LEAST_DEVIATION = 1e-3
# further digits of a weight may depend on the order of sums
DIGITS = 6


@dataclass(frozen=True, slots=True)
class Shrinkage:
    """What the weights are bounded by and drawn towards.

    strength: of the pull; 0 for none. monotone: whether terms that grow keep a weight from 0 on.
    """

    strength: float = SHRINKAGE
    monotone: bool = True


def lacking(individuals: IntArray) -> str:
    """Why labels do not suffice for a calibration, in words; "" where they do.

    individuals: (m, 2), the individual of each end of the labelled pairs.
    """
    same = individuals[:, 0] == individuals[:, 1]
    found = (int(same.sum()), int((~same).sum()), len(np.unique(individuals[same])))
    needed = (FEWEST_LABELS, FEWEST_LABELS, FEWEST_INDIVIDUALS)
    if all(have >= need for have, need in zip(found, needed, strict=True)):
        return ""
    return (
        "not calibrated, the product ranks: {} same and {} different pairs are known, and {} individuals by "
        "two detections; {} and {} pairs and {} individuals are needed".format(*found, *needed)
    )


def thinned(individuals: IntArray, rng: np.random.Generator, *, most: int = MOST_PAIRS) -> IntArray:
    """Rows of at most so many labelled pairs, in order: all SAME ones, and DIFFERENT ones at random.

    individuals: (m, 2), the individual of each end. SAME pairs are all kept even where they alone are more.
    """
    same = individuals[:, 0] == individuals[:, 1]
    different = np.flatnonzero(~same)
    room = min(max(most - int(same.sum()), 0), len(different))
    return np.sort(np.concatenate([np.flatnonzero(same), rng.choice(different, room, replace=False)]))


def fit_calibration(
    pairs: Pairs, individuals: IntArray, *, candidates: int, shrinkage: Shrinkage | None = None
) -> Calibration:
    """Learn the weights from pairs whose answer is known; equal input gives equal weights.

    pairs: (m,) pairs whose answer is a label or follows from labels, all of them; where they are too
        many, those of `thinned`. NOT_COMPARABLE ones are left out.
    individuals: (m, 2), the individual of each end as any number; equal ones make a SAME pair.
    candidates: number of detections that a detection competes with, most often the survey's size less one.
    shrinkage: None for the usual pull and bounds.
    Raises PreconditionError, in the words of `lacking`, where labels are too few; InvalidInputError where a
    visual similarity is outside [0, 1], shapes differ, or there is no candidate.
    """
    _check(pairs, individuals, candidates)
    if reason := lacking(individuals):
        raise PreconditionError(reason)
    labels = _labelled(pairs, individuals, candidates)
    held_by = shrinkage or Shrinkage()
    return _calibration(labels, *_fit(labels, held_by), _held_out_error(labels, candidates, held_by))


def _check(pairs: Pairs, individuals: IntArray, candidates: int) -> None:
    """Raise InvalidInputError where labelled pairs make no sense."""
    count = len(individuals)
    columns = (pairs.visual, pairs.feasibility, pairs.distance_m, pairs.gap_s, pairs.sides)
    if individuals.shape != (count, 2) or any(column.shape != (count,) for column in columns):
        raise InvalidInputError(
            f"pairs of shapes {[column.shape for column in columns]} with individuals {individuals.shape} do "
            "not fit; send (m,) and (m, 2)",
            field="pairs",
        )
    if not ((pairs.visual >= 0) & (pairs.visual <= 1)).all():
        raise InvalidInputError("a visual similarity is outside [0, 1]; clip it", field="pairs.visual")
    if candidates < 1:
        raise InvalidInputError(f"candidates is {candidates}; there is at least 1", field="candidates")


@dataclass(frozen=True, slots=True)
class _Labels:
    """Labelled pairs, ready to learn from.

    same: (m,) whether they are. weights: (m,), of same pairs as many in sum as there are photographs, of
    the others as the share has it. photographs: individual -> estimated number of its detections.
    """

    pairs: Pairs
    individuals: IntArray
    same: BoolArray
    weights: Float64Array
    photographs: dict[int, float]
    share: float


def _labelled(pairs: Pairs, individuals: IntArray, candidates: int) -> _Labels:
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
    """Expected number of other detections of a detection's animal; the largest counts as the second."""
    count = np.sort(photographs)
    count[-1] = count[-2:].min()
    return float((count * (count - 1)).sum() / count.sum())


def _balanced(same: BoolArray, mass: Float64Array, share: float) -> Float64Array:
    """Weights that sum to 1, of same pairs to their share; within either in proportion to mass."""
    sums = np.array([mass[~same].sum(), mass[same].sum()])
    # without any pair of one answer there is nothing to weigh it with
    per_mass = np.divide([1 - share, share], sums, out=np.zeros(2), where=sums > 0)
    return np.asarray(mass * per_mass[same.astype(np.int64)])


def _fit(labels: _Labels, shrinkage: Shrinkage) -> tuple[Float64Array, Float64Array]:
    """Constant and weights of TERMS from the pairs with a place, and of LOOKS from all."""
    product = _product(labels)
    placed = labels.pairs.placed()
    return (
        _regression(labels, placed, TERMS, product, shrinkage),
        _regression(labels, np.ones(len(placed), np.bool_), LOOKS, product, shrinkage),
    )


def _product(labels: _Labels) -> Float64Array:
    """Constant and slope over the log of the product, or of the visual score where the place is unknown."""
    looks, place = (_table(labels.pairs, _named(name)) for name in ("log_visual", "log_feasibility"))
    score = looks + np.nan_to_num(place)
    start = np.array([0.0, 1.0])
    pull = np.array([FREE, LOOSE])
    design = np.hstack([np.ones_like(score), score])
    bounds = Bounds([-np.inf, LEAST_STEEP], [np.inf, STEEPEST])
    return Regression(design, labels.same, labels.weights, start, pull, bounds).solved()


def _regression(
    labels: _Labels, chosen: BoolArray, terms: tuple[Term, ...], product: Float64Array, shrinkage: Shrinkage
) -> Float64Array:
    """Constant and weights of terms, drawn towards the product in units of each term's deviation."""
    values = _table(labels.pairs.at(chosen), terms)
    scale = _deviations(values)
    centre = [product[1] if term.name in {"log_visual", "log_feasibility"} else 0.0 for term in terms]
    start = np.array([product[0], *(centre * scale)])
    pull = np.array([FREE, *(max(shrinkage.strength, FREE) for _ in terms)])
    bounds = Bounds([-np.inf, *(0.0 if term.grows and shrinkage.monotone else -np.inf for term in terms)])
    design = np.hstack([np.ones((len(values), 1)), values / scale])
    same, weights = labels.same[chosen], labels.weights[chosen]
    found = Regression(design, same, weights, start, pull, bounds).solved()
    return np.array([found[0], *(found[1:] / scale)])


def _held_out_error(labels: _Labels, candidates: int, shrinkage: Shrinkage) -> float:
    """Calibration error over FOLDS groups of individuals, each judged by what the others teach."""
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
        # a pair across two folds is judged in both
        mass.append(np.where(folds[held, 0] == folds[held, 1], 1.0, 0.5))
    answers = np.concatenate(same)
    weights = _balanced(answers, np.concatenate(mass), labels.share)
    return expected_calibration_error(expit(np.concatenate(odds)), answers, weights)


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


def _table(pairs: Pairs, terms: tuple[Term, ...]) -> Float64Array:
    """Values (m, terms)."""
    return np.column_stack([term.of(pairs) for term in terms]).astype(np.float64)


def _deviations(values: Float64Array) -> Float64Array:
    """Standard deviation of each column, with a floor for columns that hardly vary."""
    return np.maximum(values.std(axis=0), LEAST_DEVIATION) if len(values) else np.ones(values.shape[1])


def _rounded(values: Float64Array) -> tuple[float, ...]:
    # adding 0 turns -0 into 0, which reads and hashes differently
    return tuple(float(f"{value:.{DIGITS}g}") + 0.0 for value in values)
