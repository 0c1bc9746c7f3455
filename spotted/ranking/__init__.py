"""The best candidates of a detection, exact and without a dense matrix.

gallery          the detections of a survey, ranked for any query by the fused score
search           the block-wise search behind it
shortlist        pairs that may still be among the best
candidate_lists  the candidates of every detection, kept up to date while the survey changes
unstored_query   the candidates of a detection that is not in the gallery
by_individual    one candidate per individual, its best detection
"""

from spotted.ranking.by_individual import first_of_each, top_individuals
from spotted.ranking.candidate_lists import Standing
from spotted.ranking.gallery import BLOCK, Gallery, Ranked, Scored
from spotted.ranking.search import Allowed, Contest, Search
from spotted.ranking.shortlist import Shortlist, ranked_scores, ranking_keys
from spotted.ranking.unstored_query import VISITOR, Visitor, visit

__all__ = [
    "BLOCK",
    "VISITOR",
    "Allowed",
    "Contest",
    "Gallery",
    "Ranked",
    "Scored",
    "Search",
    "Shortlist",
    "Standing",
    "Visitor",
    "first_of_each",
    "ranked_scores",
    "ranking_keys",
    "top_individuals",
    "visit",
]
