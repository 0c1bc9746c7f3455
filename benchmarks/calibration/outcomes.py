"""One split of a survey, measured on the half of its animals that taught nothing, and means over splits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy

from benchmarks.calibration.labels import Amount, drawn_pairs, labelled
from benchmarks.common.known_surveys import KnownSurvey
from spotted.arrays import BoolArray, Float32Array, FloatArray, IntArray
from spotted.calibration.evidence import PairEvidence, compare_sides
from spotted.calibration.fit import fit_calibration
from spotted.calibration.kinds import CalibrationKind
from spotted.calibration.labels import Labels, describe_shortage
from spotted.calibration.model import expected_calibration_error, probability
from spotted.calibration.unanswered import represented
from spotted.calibration.weights import Shrinkage, fit_evidence
from spotted.ranking.gallery import Gallery
from spotted.scoring import geometry
from spotted.scoring.feasibility import pair_feasibility
from spotted.scoring.fusion import fuse
from spotted.scoring.similarity import pair_similarity

TOP = (1, 5, 20)
LISTED = 20
SPLITS = 6


@dataclass(frozen=True, slots=True)
class Outcome:
    """One split of a survey."""

    kind: CalibrationKind
    """How the calibration ranks."""
    same_pairs: int
    """Number of labelled SAME pairs."""
    product: tuple[float, ...]
    """Share of queries with their animal among the best of TOP, by the product."""
    calibrated: tuple[float, ...]
    """By the calibration."""
    unguarded: tuple[float, ...]
    """By all evidence, whatever cross-validation says; by the calibration if there are too few labels."""
    error: float
    """Expected calibration error over all open pairs of the held-out half."""
    listed_error: float
    """Over the LISTED best candidates of each query."""
    reported_error: float
    """As the calibration reports it; NaN if it does not."""


@dataclass(frozen=True, slots=True)
class Line:
    """Means over the splits of one survey with one amount of labels."""

    survey: str
    kind: str
    labelled: str
    same_pairs: float
    kinds: dict[str, int]
    """Number of splits by what their calibration ranks by."""
    product: tuple[float, ...]
    gain: tuple[float, ...]
    """Gain of the calibration over the product at TOP."""
    unguarded: tuple[float, ...]
    """Gain of all evidence over the product at TOP."""
    worst: float
    """Least gain at top-1 of a split."""
    error: float
    listed_error: float
    reported_error: float | None


def measured(survey: KnownSurvey, pairs: PairEvidence, amount: Amount, *, splits: int = SPLITS) -> Line:
    """The means over splits of one survey. pairs: all against all, (n, n)."""
    outcomes = [_outcome(survey, pairs, amount, split) for split in range(splits)]
    gains = np.array([np.subtract(o.calibrated, o.product) for o in outcomes])
    unguarded = np.array([np.subtract(o.unguarded, o.product) for o in outcomes])
    reported = np.array([o.reported_error for o in outcomes])
    kinds = [o.kind for o in outcomes]
    return Line(
        survey=survey.name,
        kind=survey.kind,
        labelled=str(amount),
        same_pairs=float(np.mean([o.same_pairs for o in outcomes])),
        kinds={kind.name.lower(): kinds.count(kind) for kind in CalibrationKind},
        product=tuple(np.mean([o.product for o in outcomes], axis=0).tolist()),
        gain=tuple(gains.mean(axis=0).tolist()),
        unguarded=tuple(unguarded.mean(axis=0).tolist()),
        worst=float(gains[:, 0].min()),
        error=float(np.mean([o.error for o in outcomes])),
        listed_error=float(np.mean([o.listed_error for o in outcomes])),
        reported_error=None if np.isnan(reported).all() else float(np.nanmean(reported)),
    )


def fixed_gain(
    survey: KnownSurvey,
    pairs: PairEvidence,
    score: Callable[[PairEvidence], FloatArray],
    *,
    splits: int = SPLITS,
) -> tuple[float, ...]:
    """Mean gain of a score without labels, above 0, over the product at TOP, on the same held-out halves."""
    gains = []
    for split in range(splits):
        animals = _animals(survey, split)
        held = _held_out(survey, pairs, _rows_of(survey, animals[len(animals) // 2 :]))
        product = fuse(_float32(held.pairs.visual), _float32(held.pairs.feasibility))
        own, base = (held.top(held.listed(_float32(one))) for one in (score(held.pairs), product))
        gains.append(np.subtract(own, base))
    return tuple(np.mean(gains, axis=0).tolist())


def accuracy(
    survey: KnownSurvey, pairs: PairEvidence, score: Callable[[PairEvidence], FloatArray]
) -> tuple[float, ...]:
    """Identification accuracy of a score at TOP in the whole survey."""
    everyone = _held_out(survey, pairs, np.arange(len(survey.individuals)))
    return everyone.top(everyone.listed(_float32(score(everyone.pairs))))


def _animals(survey: KnownSurvey, split: int) -> IntArray:
    """The animals in the order of a split: the first half may be labelled."""
    return np.random.default_rng((split, 0)).permutation(np.unique(survey.individuals))


def _rows_of(survey: KnownSurvey, animals: IntArray) -> IntArray:
    return np.flatnonzero(np.isin(survey.individuals, animals))


@dataclass(frozen=True, slots=True)
class _Half:
    """The held-out half as a table of its detections against one another, (q, q).

    open_pairs: pairs of different images. order: (q,) rank of ids.
    """

    pairs: PairEvidence
    same: BoolArray
    open_pairs: BoolArray
    order: IntArray

    def listed(self, score: Float32Array) -> IntArray:
        """Columns (q, LISTED) of the best candidates of each query."""
        ranked = np.where(self.open_pairs, score, -1.0)
        return np.array([np.lexsort((self.order, -row))[:LISTED] for row in ranked])

    def top(self, listed: IntArray) -> tuple[float, ...]:
        """Identification accuracy at TOP, of detections with another one of their animal."""
        found = self.same & self.open_pairs
        hit = np.take_along_axis(found, listed, axis=1)[found.any(axis=1)]
        return tuple(float(hit[:, :k].any(axis=1).mean()) for k in TOP)


def _outcome(survey: KnownSurvey, pairs: PairEvidence, amount: Amount, split: int) -> Outcome:
    animals = _animals(survey, split)
    half = len(animals) // 2
    held = _held_out(survey, pairs, _rows_of(survey, animals[half:]))
    fused = fuse(_float32(pairs.visual), _float32(pairs.feasibility))
    rows, ends = labelled(survey, fused, animals[:half], amount, split)
    candidates = len(held.order) - 1
    drawn = drawn_pairs(survey, rows, animals[:half], amount, split)
    background = np.arange(len(rows) + len(drawn)) >= len(rows)
    # a detection without a label has a number that no animal has
    number = -1 - np.arange(len(survey.individuals))
    number[rows] = ends
    rows = np.concatenate([rows, drawn])
    ends, known = number[rows], pairs.at((rows[:, 0], rows[:, 1]))
    labels = Labels.of(known, rows, ends, candidates, background)
    calibration = fit_calibration(known, rows, ends, candidates=candidates, background=background)
    likely = probability(calibration, held.pairs)
    listed = held.listed(likely)
    found = held.top(listed)
    once = held.open_pairs & np.triu(np.ones_like(held.same), 1)
    best = np.take_along_axis(likely, listed, axis=1).ravel()
    truth = np.take_along_axis(held.same, listed, axis=1).ravel()
    return Outcome(
        kind=calibration.kind,
        same_pairs=int(labels.same.sum()),
        product=held.top(held.listed(fuse(_float32(held.pairs.visual), _float32(held.pairs.feasibility)))),
        calibrated=found,
        unguarded=found if describe_shortage(ends[~background]) else _unguarded(held, labels),
        error=expected_calibration_error(likely[once], held.same[once]),
        listed_error=expected_calibration_error(best, truth),
        reported_error=np.nan if calibration.held_out_ece is None else calibration.held_out_ece,
    )


def _unguarded(held: _Half, labels: Labels) -> tuple[float, ...]:
    """Identification accuracy by all evidence, without a guard."""
    odds = fit_evidence(labels, Shrinkage(), represented(labels)).log_odds(held.pairs)
    return held.top(held.listed(_float32(scipy.special.expit(odds))))


def _held_out(survey: KnownSurvey, pairs: PairEvidence, rows: IntArray) -> _Half:
    below, left = rows[:, None], rows[None, :]
    table = survey.gallery.table
    return _Half(
        pairs=pairs.at((below, left)),
        same=survey.individuals[below] == survey.individuals[left],
        open_pairs=~geometry.same_image(table, below, left),
        order=survey.gallery.order[rows],
    )


def pairs_of(gallery: Gallery, first: IntArray, second: IntArray) -> PairEvidence:
    """The evidence of pairs of a gallery's rows, any shape, in float64."""
    visual = pair_similarity(gallery.embeddings, first.ravel(), second.ravel()).reshape(first.shape)
    return PairEvidence(
        visual=visual.astype(np.float64),
        feasibility=pair_feasibility(gallery.table, first, second, gallery.extent, gallery.params),
        distance_m=geometry.distance_m(gallery.table, first, second),
        gap_s=geometry.gap_s(gallery.table, first, second),
        sides=compare_sides(gallery.table.side[first], gallery.table.side[second]),
        local=None if gallery.local is None else gallery.local.shared_of(first, second).astype(np.float64),
    )


def _float32(values: FloatArray) -> Float32Array:
    return np.asarray(values, dtype=np.float32)
