from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchmarks.calibration.labels import Amount
from benchmarks.calibration.marks import added, marks_line, shortlists
from benchmarks.calibration.surveys import small_drawn
from spotted.scoring.local_pairs import LocalPairs


def test_marks_that_tell_animals_apart_gain_with_and_without_labels() -> None:
    survey = small_drawn(0)
    first, second = shortlists(survey.gallery, 10)
    assert (first < second).all()
    best = survey.gallery.score_pairs(np.zeros(len(survey.gallery), int), np.arange(len(survey.gallery)))
    own = np.argsort(-best.fused[1:])[:10] + 1
    assert set(own.tolist()) <= {*second[first == 0].tolist()}
    same = survey.individuals[first] == survey.individuals[second]
    local = LocalPairs.of(first, second, same.astype(np.float32), same.astype(np.uint16))
    marked = replace(survey, gallery=replace(survey.gallery, local=local))
    line = marks_line(marked, Amount(), splits=1)
    assert line.marked[0] > line.without[0]
    assert line.added["0.4"][0] > line.added["0.1"][0] >= 0.0
    pairs = survey.gallery.evidence(first, second)
    assert added(pairs, 0.4).tolist() == (pairs.visual * np.nan_to_num(pairs.feasibility, nan=1.0)).tolist()
