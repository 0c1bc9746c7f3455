"""Reliability of probabilities: on held-out individuals, compared with the observed share of same pairs.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spotted.arrays import BoolArray, Float64Array, FloatArray, IntArray
from spotted.calibration.fit import fit_calibration
from spotted.calibration.known_pairs import find_known_pairs
from spotted.calibration.labels import describe_shortage, thin_pairs
from spotted.calibration.model import expected_calibration_error, probability
from spotted.evaluation.comparison import CALIBRATED, FUSED, SurveyRanks
from spotted.ranking.gallery import Gallery

# equally wide bins of the diagram
BINS = 10


@dataclass(frozen=True, slots=True)
class Reliability:
    """Deviation of the probabilities of pairs from observed frequencies."""

    error: float
    """Expected calibration error, in bins of equal weight."""
    pairs: int
    """Number of pairs measured."""
    mean: Float64Array
    """Mean probability of each bin of equal width that has pairs."""
    share: Float64Array
    """Share of same pairs in each of these bins."""


def measure_reliability(probabilities: FloatArray, same: BoolArray, weights: Float64Array) -> Reliability:
    """Compare probabilities (m,) of pairs with whether each is the same; weights: (m,).

    >>> certain = np.array([0.0, 0.0, 1.0, 1.0])
    >>> measured = measure_reliability(certain, np.array([False, False, True, True]), np.ones(4))
    >>> measured.error, measured.mean.tolist(), measured.share.tolist()
    (0.0, [0.0, 1.0], [0.0, 1.0])
    """
    error = expected_calibration_error(probabilities, same, weights)
    bins = np.minimum((probabilities * BINS).astype(np.int64), BINS - 1)
    mass, mean, share = (np.bincount(bins, weights * x, BINS) for x in (1.0, probabilities, same))
    there = mass > 0
    return Reliability(error, len(same), mean[there] / mass[there], share[there] / mass[there])


def measure_held_out(ranked: SurveyRanks, rng: np.random.Generator) -> tuple[dict[str, Reliability], str]:
    """The reliability of calibration and product on individuals that the calibration was not fitted on.

    The individuals are split at random into halves; each half is scored by a calibration fitted on the other.
    If there are more pairs than `thin_pairs` keeps, they are sampled and weighted accordingly.
    Returns {} and a message saying why if there are too few known individuals.
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
    met = int((ends[:, 0] == ends[:, 1]).sum())
    kept = thin_pairs(ends, rng)
    rows, ends = rows[kept], ends[kept]
    same = ends[:, 0] == ends[:, 1]
    known = sum(map(bool, individuals))
    different = known * (known - 1) / 2 - met
    return rows, ends, np.where(same, met / max(1, same.sum()), different / max(1, (~same).sum()))


def _judged(
    gallery: Gallery, learned: Labels, judged: Labels, candidates: int
) -> tuple[FloatArray, FloatArray, BoolArray, Float64Array]:
    """Probability, product, whether it is the same, and weight of each held-out pair."""
    rows, ends, _ = learned
    evidence = gallery.evidence(rows[:, 0], rows[:, 1])
    calibration = fit_calibration(evidence, rows, ends, candidates=candidates)
    rows, ends, weights = judged
    first, second = rows[:, 0], rows[:, 1]
    product = gallery.score_pairs(first, second).fused
    probabilities = probability(calibration, gallery.evidence(first, second))
    return probabilities, product, ends[:, 0] == ends[:, 1], weights
