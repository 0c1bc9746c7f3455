"""Do scores mean what they say? Probabilities of held-out individuals against the share that is the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spotted.arrays import BoolArray, Float64Array, FloatArray, IntArray
from spotted.calibration.fit import describe_shortage, fit_calibration, thin_pairs
from spotted.calibration.known_pairs import find_known_pairs
from spotted.calibration.model import expected_calibration_error, probability
from spotted.evaluation.comparison import CALIBRATED, FUSED, Rankings
from spotted.ranking.gallery import Gallery

# equally wide bins of the diagram
BINS = 10


@dataclass(frozen=True, slots=True)
class Reliability:
    """How far the probabilities of pairs are off.

    error: expected calibration error, in bins of equal weight. pairs: how many were judged.
    mean, share: of each bin of equal width that has pairs, the mean probability and the share of same pairs.
    """

    error: float
    pairs: int
    mean: Float64Array
    share: Float64Array


def measure_reliability(probabilities: FloatArray, same: BoolArray, weights: Float64Array) -> Reliability:
    """Measure probabilities (m,) of pairs against whether each is the same; pairs count by their weights."""
    error = expected_calibration_error(probabilities, same, weights)
    bins = np.minimum((probabilities * BINS).astype(np.int64), BINS - 1)
    mass, mean, share = (np.bincount(bins, weights * x, BINS) for x in (1.0, probabilities, same))
    there = mass > 0
    return Reliability(error, len(same), mean[there] / mass[there], share[there] / mass[there])


def held_out(ranked: Rankings, rng: np.random.Generator) -> tuple[dict[str, Reliability], str]:
    """The reliability of a calibration on individuals that it was not fitted on, and of the product beside.

    The individuals are halved at random; each half is judged by a calibration that is learned from the other.
    Where there are more pairs than `thin_pairs` keeps, different ones are drawn and weigh for the others.
    Returns {} and the reason in words where labels do not suffice.
    """
    gallery, names = ranked.gallery, ranked.individuals
    animals = np.array(sorted({*names} - {""}), dtype=object)
    halves = np.array_split(rng.permutation(animals), 2)
    labels = [_labels([name if name in {*half} else "" for name in names], rng) for half in halves]
    for rows, ends, _ in labels:
        if not len(rows) or (reason := describe_shortage(ends)):
            return {}, reason if len(rows) else describe_shortage(np.empty((0, 2), dtype=np.int64))
    known = [sum(name in {*half} for name in names) for half in halves]
    parts = [_judged(gallery, labels[1 - i], labels[i], known[i] - 1) for i in range(2)]
    calibrated, product, same, weights = (np.concatenate(column) for column in zip(*parts, strict=True))
    return {
        CALIBRATED: measure_reliability(calibrated, same, weights),
        FUSED: measure_reliability(product, same, weights),
    }, ""


Labels = tuple[IntArray, IntArray, Float64Array]


def _labels(individuals: list[str], rng: np.random.Generator) -> Labels:
    """Pairs of rows (m, 2), the individual of each end (m, 2), and the weight of each pair."""
    rows, ends = find_known_pairs((), (), individuals, rng)
    kept = thin_pairs(ends, rng)
    rows, ends = rows[kept], ends[kept]
    same = ends[:, 0] == ends[:, 1]
    known = sum(map(bool, individuals))
    different = known * (known - 1) / 2 - same.sum()
    return rows, ends, np.where(same, 1.0, different / max(1, int((~same).sum())))


def _judged(
    gallery: Gallery, learned: Labels, judged: Labels, candidates: int
) -> tuple[FloatArray, FloatArray, BoolArray, Float64Array]:
    """Probability, product, whether it is the same, and weight of each judged pair."""
    rows, ends, _ = learned
    calibration = fit_calibration(gallery.evidence(rows[:, 0], rows[:, 1]), ends, candidates=candidates)
    rows, ends, weights = judged
    first, second = rows[:, 0], rows[:, 1]
    product = gallery.score_pairs(first, second).fused
    probabilities = probability(calibration, gallery.evidence(first, second))
    return probabilities, product, ends[:, 0] == ends[:, 1], weights
