from __future__ import annotations

import numpy as np

from benchmarks.grouping.curves import ranks_of
from spotted.evaluation.outcomes import find_relevant_pairs


def test_ranks_are_those_of_a_loop_over_the_candidates() -> None:
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 4, (9, 9)).astype(np.float64)
    image = np.array([0, 0, 1, 2, -1, -1, 3, 4, 5])
    pairs = find_relevant_pairs([*"aabbaabbc"], [""] * 9, image)
    found = ranks_of(scores, pairs, image)
    for index, (query, candidate) in enumerate(zip(pairs.query, pairs.candidate, strict=True)):
        others = [i for i in range(9) if i != query and not (image[i] == image[query] >= 0)]
        own = [scores[query, i] for i in others]
        assert found.above[index] == sum(s > scores[query, candidate] for s in own)
        assert found.tied[index] == sum(s == scores[query, candidate] for s in own)
