"""Learning from a survey's labels how probable it is that a pair shows one animal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.scorer.scored_surveys import Scored
from spotted.calibration.fit import fit_calibration, lacking, thinned
from spotted.calibration.known_pairs import find_known_pairs
from spotted.calibration.model import Calibration

# which of very many pairs are learned from is drawn alike every time
SEED = 0


@dataclass(frozen=True, slots=True)
class Labelled:
    """What is known of a survey's pairs: (detection id, detection id, whether they show one animal)."""

    pairs: Sequence[tuple[str, str, bool]]
    use_known_individuals: bool


def fit(scored: Scored, labelled: Labelled) -> Calibration | str:
    """A calibration of a survey's scores, or why there is none, in words. Raises NotFoundError."""
    snapshot = scored.snapshot
    rows = [(snapshot.row(one), snapshot.row(other), same) for one, other, same in labelled.pairs]
    rng = np.random.default_rng(SEED)
    pairs, animals = find_known_pairs(
        [(a, b) for a, b, same in rows if same],
        [(a, b) for a, b, same in rows if not same],
        [d.individual_id if labelled.use_known_individuals else "" for d in snapshot.detections],
        rng,
    )
    if reason := lacking(animals):
        return reason
    chosen = thinned(animals, rng)
    evidence = scored.gallery.evidence(pairs[chosen, 0], pairs[chosen, 1])
    return fit_calibration(evidence, animals[chosen], candidates=len(snapshot.detections) - 1)
