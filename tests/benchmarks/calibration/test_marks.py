from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchmarks.calibration.labels import Amount
from benchmarks.calibration.marks import local_score, marks_line, shortlists
from benchmarks.calibration.surveys import small_drawn
from spotted.scoring.fusion import Fusion
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
    assert line.local[0] > 0.0
    assert line.whole["local"][0] > line.whole["product"][0]
    scores = marked.gallery.score_pairs(first, second, Fusion.LOCAL)
    evidence = marked.gallery.evidence(first, second)
    np.testing.assert_allclose(local_score(evidence), scores.fused, atol=1e-6)
