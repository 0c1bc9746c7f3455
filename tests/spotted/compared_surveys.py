"""A small survey of known animals with many equal scores, and its figures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spotted.evaluation.comparison import Comparison, compare, rank_survey
from spotted.ranking.gallery import Gallery
from spotted.survey import Detection, Side
from tests.spotted.plain_ranking import exact_gallery

COUNT = 60


def surveyed(seed: int = 0) -> tuple[Gallery, list[Detection]]:
    rng = np.random.default_rng(seed)
    gallery = replace(exact_gallery(COUNT, seed), calibration=None)
    detections = [
        Detection(
            f"d{i:02}",
            side=Side(int(gallery.table.side[i])),
            individual_id=str(rng.choice([*"abcdefgh", ""])),
            encounter_id=str(rng.choice([*"12345", ""])),
        )
        for i in range(COUNT)
    ]
    return gallery, detections


def compared(*, other_encounters: bool = False, seed: int = 0) -> Comparison:
    ranked = rank_survey(*surveyed(seed))
    return compare(ranked, np.random.default_rng(1), other_encounters=other_encounters)
