"""The best candidates of a detection, exact and without a dense matrix.

A `Gallery` holds the detections of a survey and scores any pair of them; a `Ranker` made from it finds the
best candidates of any row.

defaults           the default number of candidates
rules              rules that leave detections out
gallery            the detections of a survey as arrays, and the exact score of any pair
ranker             the k best candidates of detections in the gallery
contest            which rows compete, and by which score
search             the block-wise search behind it
block_bounds       bounds of the scores of one block
products           cosines as bounds and close values, by BLAS, by integers or on a GPU
shortlist          pairs that may still be among the best
with_marks         candidates that share marks among the others
candidate_lists    the candidates of every detection, kept up to date while the survey changes
unstored_query     the candidates of a detection that is not in the gallery
square_matrix      the scores of some rows with each other, each pair once
by_individual      one candidate per individual, its best detection
unreviewed_groups  groups by probabilities only, which no person looked at
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spotted.lazy import lazy_face

if TYPE_CHECKING:
    from spotted.ranking.by_individual import first_of_each, rank_individuals
    from spotted.ranking.candidate_lists import CandidateTable
    from spotted.ranking.contest import Allowed
    from spotted.ranking.defaults import TOP_K
    from spotted.ranking.gallery import Gallery
    from spotted.ranking.ranker import BLOCK, Ranked, Ranker
    from spotted.ranking.square_matrix import SquareMatrix
    from spotted.ranking.unreviewed_groups import UnreviewedGroups, group_unreviewed
    from spotted.ranking.unstored_query import UNSTORED, UnstoredQuery, rank_unstored

__all__ = [
    "BLOCK",
    "TOP_K",
    "UNSTORED",
    "Allowed",
    "CandidateTable",
    "Gallery",
    "Ranked",
    "Ranker",
    "SquareMatrix",
    "UnreviewedGroups",
    "UnstoredQuery",
    "first_of_each",
    "group_unreviewed",
    "rank_individuals",
    "rank_unstored",
]

# clients need the defaults only; calibrated scores need scipy
__getattr__ = lazy_face(
    __name__,
    {
        "by_individual": ("first_of_each", "rank_individuals"),
        "candidate_lists": ("CandidateTable",),
        "gallery": ("Gallery",),
        "contest": ("Allowed",),
        "defaults": ("TOP_K",),
        "ranker": ("BLOCK", "Ranked", "Ranker"),
        "square_matrix": ("SquareMatrix",),
        "unreviewed_groups": ("UnreviewedGroups", "group_unreviewed"),
        "unstored_query": ("UNSTORED", "UnstoredQuery", "rank_unstored"),
    },
)
