"""A calibration fitted to the labels of a survey."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.scorer.scored_surveys import ScoredSurvey
from spotted.arrays import IntArray
from spotted.calibration.background import draw_background
from spotted.calibration.fit import fit_calibration
from spotted.calibration.known_pairs import find_known_pairs
from spotted.calibration.labels import describe_shortage, thin_pairs
from spotted.calibration.model import Calibration
from spotted.scoring import geometry

# if there are very many pairs, the same ones are drawn every time
SEED = 0


@dataclass(frozen=True, slots=True)
class KnownAnswers:
    """The answers known about pairs of a survey."""

    pairs: Sequence[tuple[str, str, bool]]
    """(detection id, detection id, whether they show one animal)."""
    use_known_individuals: bool
    """Whether the individual ids of detections count too."""


def fit(scored: ScoredSurvey, known: KnownAnswers) -> tuple[Calibration, str]:
    """A calibration of a survey's scores, and a message saying which labels are missing, "" if none.

    Raises NotFoundError for an unknown detection.
    """
    snapshot = scored.snapshot
    rows = [(snapshot.row(one), snapshot.row(other), same) for one, other, same in known.pairs]
    rng = np.random.default_rng(SEED)
    pairs, animals = find_known_pairs(
        [(a, b) for a, b, same in rows if same],
        [(a, b) for a, b, same in rows if not same],
        [d.individual_id if known.use_known_individuals else "" for d in snapshot.detections],
        rng,
    )
    shortage = describe_shortage(animals)
    chosen = thin_pairs(animals, rng)
    count = len(snapshot.detections)
    # answers are about likely pairs, names about any
    drawn = _background(scored, pairs, rng) if known.pairs else np.empty((0, 2), np.int64)
    all_rows = np.concatenate([pairs[chosen], drawn])
    # a detection without a label has a number that no individual has
    number = -1 - np.arange(count)
    number[pairs] = animals
    calibration = fit_calibration(
        scored.gallery.evidence(all_rows[:, 0], all_rows[:, 1]),
        all_rows,
        number[all_rows],
        candidates=max(1, count - 1),
        background=np.arange(len(all_rows)) >= len(chosen),
    )
    return calibration, shortage


def _background(scored: ScoredSurvey, known: IntArray, rng: np.random.Generator) -> IntArray:
    """Pairs without an answer, drawn at random; two animals of one image need none."""
    table = scored.gallery.table
    drawn = draw_background(len(table), known, rng)
    return drawn[~geometry.same_image(table, drawn[:, 0], drawn[:, 1])]
