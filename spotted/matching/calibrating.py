"""A calibration fitted to what is known of a survey's pairs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spotted.arrays import IntArray
from spotted.calibration.background import draw_background
from spotted.calibration.fit import fit_calibration
from spotted.calibration.known_pairs import find_known_pairs
from spotted.calibration.labels import describe_shortage, thin_pairs
from spotted.calibration.model import Calibration
from spotted.ranking.gallery import Gallery
from spotted.scoring import geometry

# if there are very many pairs, the same ones are drawn every time
SEED = 0


def fit_to_known(
    gallery: Gallery, individuals: Sequence[str], answers: Sequence[tuple[int, int, bool]] = ()
) -> tuple[Calibration, str]:
    """A calibration of a survey's scores, and a message saying which labels are missing, "" if none.

    individuals: the known individual of each row, "" if unknown. answers: two rows, and whether both show one
    animal. With too few of them it starts with what was learned on other surveys.
    """
    rng = np.random.default_rng(SEED)
    pairs, animals = find_known_pairs(
        [(a, b) for a, b, same in answers if same],
        [(a, b) for a, b, same in answers if not same],
        individuals,
        rng,
    )
    shortage = describe_shortage(animals)
    chosen = thin_pairs(animals, rng)
    # answers are about likely pairs, names about any
    drawn = _background(gallery, pairs, rng) if answers else np.empty((0, 2), np.int64)
    all_rows = np.concatenate([pairs[chosen], drawn])
    # a detection without a label has a number that no individual has
    number = -1 - np.arange(len(gallery))
    number[pairs] = animals
    calibration = fit_calibration(
        gallery.evidence(all_rows[:, 0], all_rows[:, 1]),
        all_rows,
        number[all_rows],
        candidates=max(1, len(gallery) - 1),
        background=np.arange(len(all_rows)) >= len(chosen),
    )
    return calibration, shortage


def _background(gallery: Gallery, known: IntArray, rng: np.random.Generator) -> IntArray:
    """Pairs without an answer, drawn at random; two animals of one image need none."""
    table = gallery.table
    drawn = draw_background(len(table), known, rng)
    return drawn[~geometry.same_image(table, drawn[:, 0], drawn[:, 1])]
