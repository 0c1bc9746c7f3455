"""Galleries whose scores are exact and often equal, and what a ranking of them is worth, by loops."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from spotted.ranking.gallery import Gallery
from spotted.scoring.feasibility import FeasibilityParams
from tests.spotted.surveys import random_gallery


def exact_gallery(count: int, seed: int, params: FeasibilityParams | None = None) -> Gallery:
    """Vectors with four elements of a half: every product of theirs is exact, and many are equal."""
    rng = np.random.default_rng(seed)
    vectors = np.zeros((count, 8), dtype=np.float16)
    for row in vectors:
        row[rng.choice(8, 4, replace=False)] = rng.choice([-0.5, 0.5], 4)
    return replace(random_gallery(count, seed, params=params), embeddings=vectors)


def expected(scores: list[float], right: list[bool], k: int) -> tuple[float, float]:
    """Chance of a hit among k and average precision by loops over the groups of equal scores."""
    missed, before, above, precision = 1.0, 0, 0, 0.0
    for value in sorted(set(scores), reverse=True):
        tied = sum(s == value for s in scores)
        found = sum(r for s, r in zip(scores, right, strict=True) if s == value)
        dealt = min(max(k - above, 0), tied)
        missed *= math.comb(tied - found, dealt) / math.comb(tied, dealt)
        for place in range(1, tied + 1):
            earlier = (place - 1) * (found - 1) / (tied - 1) if tied > 1 else 0.0
            precision += found / tied * (before + 1 + earlier) / (above + place)
        above, before = above + tied, before + found
    return 1.0 - missed, precision / sum(right)
