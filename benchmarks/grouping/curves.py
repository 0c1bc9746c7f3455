"""Rankings of HotSpotter's scores of all pairs, beside those of a survey."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchmarks.grouping.surveys import MatchedSurvey
from spotted.arrays import Float64Array
from spotted.evaluation.comparison import SurveyRanks, rank_survey
from spotted.evaluation.outcomes import RelevantPairs
from spotted.evaluation.ranks import PairRanks
from spotted.survey import Detection

HOTSPOTTER = "HotSpotter"


def ranked_with_hotspotter(survey: MatchedSurvey) -> SurveyRanks:
    """The ranks of a survey by its own scores, and by the local scores of all pairs."""
    detections = [
        Detection(str(row), individual_id=name, encounter_id=encounter)
        for row, (name, encounter) in enumerate(zip(survey.names, survey.encounters, strict=True))
    ]
    ranked = rank_survey(survey.without, detections)
    own = ranks_of(survey.local, ranked.pairs, survey.known.gallery.table.image)
    return replace(ranked, ranks=ranked.ranks | {HOTSPOTTER: own})


def ranks_of(scores: Float64Array, pairs: RelevantPairs, image: np.ndarray) -> PairRanks:
    """The ranks of pairs by scores (n, n); detections in the query's own image are no candidates."""
    above, tied = np.empty((2, len(pairs.query)), np.int64)
    for index, (query, candidate) in enumerate(zip(pairs.query, pairs.candidate, strict=True)):
        row = np.arange(len(scores))
        competes = (row != query) & ((image < 0) | (image != image[query]))
        own = scores[query, candidate]
        above[index] = (scores[query][competes] > own).sum()
        tied[index] = (scores[query][competes] == own).sum()
    return PairRanks(pairs.query, pairs.candidate, above, tied)
