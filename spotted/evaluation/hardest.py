"""The animals that are hardest to find again, and the candidates ranked above them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spotted.arrays import BoolArray, IntArray
from spotted.evaluation.comparison import FUSED, SurveyRanks
from spotted.ranking.ranker import Ranker
from spotted.scoring.fusion import Fusion

MOST, WRONG = 6, 3


@dataclass(frozen=True, slots=True)
class HardQuery:
    """A query whose animal has a low rank.

    >>> from spotted.evaluation.comparison import rank_survey
    >>> from spotted.ranking import Gallery
    >>> from spotted.scoring import unit_rows
    >>> from spotted.survey import Detection, Survey
    >>> names = {"a": "Asha", "b": "Asha", "c": "Tau"}
    >>> detections = [Detection(one, individual_id=name) for one, name in names.items()]
    >>> looks = unit_rows(np.array([[1.0, 0.0], [0.6, 0.8], [0.9, 0.4]]))
    >>> gallery = Gallery.of(Survey("ridge", 0.0, 86_400.0), detections, looks)
    >>> find_hardest(rank_survey(gallery, detections))
    [HardQuery(query=0, right=1, above=1, wrong=(2,))]
    """

    query: int
    """Row of the query."""
    right: int
    """Row of the best-ranked detection of its animal."""
    above: int
    """Number of candidates that score more than that detection."""
    wrong: tuple[int, ...]
    """Rows of the best candidates that show other known animals."""


def find_hardest(ranked: SurveyRanks, *, most: int = MOST, wrong: int = WRONG) -> list[HardQuery]:
    """The queries whose animal has the lowest rank by the fused score, one per animal, worst first.

    Ties are broken by id, among queries and among candidates.
    """
    query, right, above = _best(ranked)
    code = np.unique(np.array(ranked.individuals, dtype=object), return_inverse=True)[1]
    worst = np.lexsort((ranked.gallery.order[query], -above))
    _, first = np.unique(code[query[worst]], return_index=True)
    chosen = worst[np.sort(first)][:most]
    known = np.array([bool(individual) for individual in ranked.individuals])

    def other(rows: IntArray, columns: IntArray) -> BoolArray:
        return np.asarray((code[rows] != code[columns]) & known[columns])

    before = Ranker(ranked.gallery).top_k(query[chosen], wrong, fusion=Fusion.PRODUCT, allowed=other)
    return [
        HardQuery(one.query, int(right[i]), int(above[i]), tuple(one.rows.tolist()))
        for i, one in zip(chosen.tolist(), before, strict=True)
    ]


def _best(ranked: SurveyRanks) -> tuple[IntArray, IntArray, IntArray]:
    """Each query, its best right candidate, and how many score more."""
    same, ranks = ranked.pairs.same, ranked.ranks[FUSED]
    query, candidate, above = ranks.query[same], ranks.candidate[same], ranks.above[same]
    order = np.lexsort((ranked.gallery.order[candidate], above, query))
    rows, first = np.unique(query[order], return_index=True)
    return rows, candidate[order][first], above[order][first]
