"""The labels of a survey: all pairs of some animals, or those that the answers of a session imply."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.common.known_surveys import KnownSurvey
from spotted.arrays import FloatArray, IntArray
from spotted.calibration.background import draw_background
from spotted.calibration.known_pairs import find_known_pairs
from spotted.calibration.labels import thin_pairs
from spotted.constraints.answers import Answer, LabelledPair
from spotted.constraints.closure import Closure
from spotted.scoring import geometry


@dataclass(frozen=True, slots=True)
class Amount:
    """How much is labelled."""

    animals: int | None = None
    """All pairs of this number of animals; None: of the whole half."""
    answers: int | None = None
    """Instead, this number of answers about the pairs of the half with the highest products."""

    def __str__(self) -> str:
        if self.answers is not None:
            return f"{self.answers} answers"
        return f"{self.animals or 'half'}"


def labelled(
    survey: KnownSurvey, product: FloatArray, half: IntArray, amount: Amount, split: int
) -> tuple[IntArray, IntArray]:
    """The labelled pairs of rows (m, 2), thinned if they are many, and the animals at their ends (m, 2).

    product: (n, n). half: the animals that may be labelled, in random order.
    """
    rng = np.random.default_rng((split, 1))
    known = np.flatnonzero(np.isin(survey.individuals, half[: amount.animals]))
    upper = np.triu_indices(len(known), 1)
    rows = known[np.stack(upper, axis=1)]
    rows = rows[~geometry.same_image(survey.gallery.table, rows[:, 0], rows[:, 1])]
    ends = survey.individuals[rows]
    if amount.answers is not None:
        best = rows[np.argsort(-product[rows[:, 0], rows[:, 1]], kind="stable")]
        rows, ends = _answered(survey, best, amount.answers, rng)
    kept = thin_pairs(ends, rng)
    return rows[kept], ends[kept]


def drawn_pairs(survey: KnownSurvey, rows: IntArray, half: IntArray, amount: Amount, split: int) -> IntArray:
    """Random pairs (k, 2) of the half without an answer, if the labels are answers: as the scorer draws them.

    rows: (m, 2) the labelled pairs.
    """
    own = np.flatnonzero(np.isin(survey.individuals, half))
    if amount.answers is None:
        return np.empty((0, 2), np.int64)
    known = np.searchsorted(own, rows)
    drawn = own[draw_background(len(own), known, np.random.default_rng((split, 2)))]
    return drawn[~geometry.same_image(survey.gallery.table, drawn[:, 0], drawn[:, 1])]


def _answered(
    survey: KnownSurvey, best: IntArray, answers: int, rng: np.random.Generator
) -> tuple[IntArray, IntArray]:
    """The pairs known from the answers about the first open pairs, as the scorer learns from a session."""
    known = Closure(len(survey.individuals))
    asked: dict[Answer, list[tuple[int, int]]] = {Answer.SAME: [], Answer.DIFFERENT: []}
    for first, second in best.tolist():
        if sum(map(len, asked.values())) == answers:
            break
        if not known.is_open(first, second):
            continue
        same = survey.individuals[first] == survey.individuals[second]
        answer = Answer.SAME if same else Answer.DIFFERENT
        known.apply(LabelledPair(f"{first}-{second}", first, second, answer))
        asked[answer].append((first, second))
    nameless = [""] * len(survey.individuals)
    rows, ends = find_known_pairs(asked[Answer.SAME], asked[Answer.DIFFERENT], nameless, rng)
    apart = ~geometry.same_image(survey.gallery.table, rows[:, 0], rows[:, 1])
    return rows[apart], ends[apart]
