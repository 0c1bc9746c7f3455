"""Which keypoints of two detections are the same mark, and how much that says.

matches      matched keypoints with their weights, and the score of a pair
matchable    features ready to be matched
distances    exact distances of descriptors
normalisers  the frozen descriptors by which a match is judged
lnbnn        matches by nearest neighbours, verified by their geometry
lightglue    matches by a network such as LightGlue
name_scores  the score of an animal that several photographs show
by_name      the matcher of a method
"""

from __future__ import annotations

from spotted.local_features.matching.by_name import PairMatcher, open_matcher
from spotted.local_features.matching.lightglue import NetworkMatcher
from spotted.local_features.matching.lnbnn import Lnbnn
from spotted.local_features.matching.matchable import Matchable
from spotted.local_features.matching.matches import Matches
from spotted.local_features.matching.name_scores import score_names
from spotted.local_features.matching.normalisers import Normalisers

__all__ = [
    "Lnbnn",
    "Matchable",
    "Matches",
    "NetworkMatcher",
    "Normalisers",
    "PairMatcher",
    "open_matcher",
    "score_names",
]
