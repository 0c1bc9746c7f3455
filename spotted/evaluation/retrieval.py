"""How good it is: retrieval by known identities, partitions against the truth, matches found per question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from spotted.arrays import BoolArray, Float64Array, IntArray
from spotted.counting import same_pairs
from spotted.evaluation.outcomes import kin, score_outcomes
from spotted.evaluation.ranks import standings
from spotted.ranking.gallery import Gallery
from spotted.scoring.fusion import Fusion

# the measured rate of an expert (Spotted, section on labelling hours)
ANSWERS_PER_MINUTE = 5.78
TOP = (1, 5, 10, 20)


@dataclass(frozen=True, slots=True)
class Retrieval:
    """How often a query's animal is among its k best candidates.

    queries: number of detections with another one of their animal to be found, in another image.
    top: k -> share of them with at least one detection of the animal among the k best.
    mean_average_precision: mean over queries of the average precision of the whole ranking.
    """

    queries: int
    top: dict[int, float]
    mean_average_precision: float


def measure_retrieval(
    gallery: Gallery,
    individuals: Sequence[str],
    *,
    fusion: Fusion = Fusion.PRODUCT,
    ks: Sequence[int] = TOP,
    encounters: Sequence[str] | None = None,
    told: Callable[[int], None] = lambda _: None,
) -> Retrieval:
    """Measure a score one-vs-all: each detection queries all others, itself excluded (MiewID).

    individuals: known identity of each row, "" where unknown; those are candidates, but ask nothing.
    encounters: where given, candidates of the query's own encounter are left out (ours), since two frames of
        one visit are easy.
    told: called with the number of queries done since the last call.
    Equal scores count as the mean over all their orders (ours); scores are those of `ranks`.
    """
    pairs = kin(individuals, encounters or [""] * len(individuals), gallery.table.image)
    ranked = standings(gallery, (pairs.query, pairs.candidate), [fusion], told=told)[fusion]
    right = pairs.same & ~pairs.together
    outcome = score_outcomes(ranked, right, pairs.together, depth=max(ks))
    count = len(outcome.query)
    if not count:
        return Retrieval(0, dict.fromkeys(ks, float("nan")), float("nan"))
    *top, precision = outcome.at(ks).mean(axis=0).tolist()
    return Retrieval(count, dict(zip(ks, top, strict=True)), precision)


def average_precision(found: BoolArray) -> float:
    """Mean of the precision at each hit of a ranking, best first; 0 without a hit."""
    places = np.flatnonzero(found)
    if not len(places):
        return 0.0
    return float((np.arange(1, len(places) + 1) / (places + 1)).mean())


def pair_precision_recall(found: Sequence[str], truth: Sequence[str]) -> tuple[float, float]:
    """Share of the pairs joined in `found` that are true, and of the true pairs that are joined.

    Detections whose truth is "" are left out. A partition that joins nothing has precision 1.
    """
    known = [(f, t) for f, t in zip(found, truth, strict=True) if t]
    joined, true = same_pairs([f for f, _ in known]), same_pairs([t for _, t in known])
    both = same_pairs([f"{f}\0{t}" for f, t in known])
    return (both / joined if joined else 1.0, both / true if true else 1.0)


def b_cubed(found: Sequence[str], truth: Sequence[str]) -> tuple[float, float]:
    """B-cubed precision and recall of a partition: per detection, then averaged (Bagga & Baldwin 1998)."""
    together = Counter(zip(found, truth, strict=True))
    in_found, in_truth = Counter(found), Counter(truth)
    pairs = list(zip(found, truth, strict=True))
    precision = np.mean([together[pair] / in_found[pair[0]] for pair in pairs])
    recall = np.mean([together[pair] / in_truth[pair[1]] for pair in pairs])
    return float(precision), float(recall)


def hours(questions: int, *, answers_per_minute: float = ANSWERS_PER_MINUTE) -> float:
    """Working hours that so many answers take at the measured rate of an expert (paper: 5.78 a minute)."""
    return questions / answers_per_minute / 60.0


def recall_curve(found: IntArray, total: int) -> Float64Array:
    """Share of all true pairs known after each question, (q,)."""
    return np.asarray(found / max(total, 1), dtype=np.float64)
