from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from spotted.evaluation.comparison import rank_survey
from spotted.evaluation.ruled_out import RULED_OUT, RuledOut, count_ruled_out
from spotted.scoring.feasibility import FeasibilityParams
from tests.spotted.compared_surveys import surveyed


def test_the_count_is_that_of_a_loop_over_all_pairs() -> None:
    gallery, detections = surveyed()
    strict = replace(gallery, params=FeasibilityParams(max_speed_kmh=0.2))
    known, gaps = 0, []
    for i, first in enumerate(detections):
        for j, second in enumerate(detections[:i]):
            table = strict.table
            one_image = table.image[i] == table.image[j] >= 0
            if not first.individual_id or first.individual_id != second.individual_id or one_image:
                continue
            feasibility = strict.score_pairs(np.array([i]), np.array([j])).feasibility[0]
            known += not math.isnan(feasibility)
            if feasibility <= RULED_OUT:
                gaps.append(abs(float(table.time_s[i] - table.time_s[j])))
    found = count_ruled_out(rank_survey(strict, detections))
    assert (found.pairs, found.ruled_out) == (known, len(gaps))
    assert found.gap_s == np.median(gaps)
    assert 0 < found.share < 1


def test_at_one_place_nothing_is_ruled_out() -> None:
    gallery, detections = surveyed()
    placed = replace(gallery.table, position_m=np.zeros_like(gallery.table.position_m))
    easy = replace(gallery, table=placed)
    found = count_ruled_out(rank_survey(easy, detections))
    assert found.ruled_out == 0
    assert found.share == 0.0
    assert RuledOut(0, 0).share == 0.0
