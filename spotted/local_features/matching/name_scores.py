"""The score of an animal that several photographs show: each keypoint of the query votes for it once.

This is WBIA's `nsum`. The animals are those that labels or files name, or parts of an annotation session. The
score depends on which photographs an animal has, unlike that of a pair, and only verified matches count.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spotted.local_features.matching.matches import Matches


def score_names(matches: Sequence[Matches], names: Sequence[str]) -> dict[str, float]:
    """The score of each name: the best votes of the query's keypoints for its photographs, summed.

    matches: of the query with each candidate. names: the animal of each candidate.

    >>> import numpy as np
    >>> def votes(rows, weights):
    ...     points = np.zeros((len(rows), 2), dtype=np.float32)
    ...     return Matches(np.array(rows), np.array(rows), points, points, np.array(weights), sum(weights))
    >>> score_names([votes([0, 1], [0.5, 0.25]), votes([1], [0.75]), votes([2], [0.5])], ["x", "x", "y"])
    {'x': 1.25, 'y': 0.5}
    """
    scores = {}
    for name in dict.fromkeys(names):
        own = [each for each, owner in zip(matches, names, strict=True) if owner == name]
        rows = np.concatenate([each.rows_a for each in own])
        weights = np.concatenate([each.weights for each in own]).astype(np.float64)
        best = np.zeros(int(rows.max()) + 1 if len(rows) else 0)
        np.maximum.at(best, rows, weights)
        scores[name] = float(best.sum())
    return scores
