"""A calibration fitted to the labels of a survey."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.scorer.scored_surveys import ScoredSurvey
from spotted.calibration.fit import fit_calibration
from spotted.calibration.known_pairs import find_known_pairs
from spotted.calibration.labels import describe_shortage, thin_pairs
from spotted.calibration.model import Calibration

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
    evidence = scored.gallery.evidence(pairs[chosen, 0], pairs[chosen, 1])
    candidates = max(1, len(snapshot.detections) - 1)
    return fit_calibration(evidence, pairs[chosen], animals[chosen], candidates=candidates), shortage
