"""Bursts: images that one camera took in close succession, often but not always of one animal.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import numpy as np
import scipy

from spotted.arrays import Float32Array, IntArray
from spotted.survey import DetectionTable

BURST_GAP_S = 60.0  # frames further apart begin another burst
LEAST_LIKENESS = 0.5  # mean cosine, the survey's mean taken away, between frames asked about together


def burst_ids(table: DetectionTable, *, gap_s: float = BURST_GAP_S) -> IntArray:
    """(n,) the burst of each item, numbered from 0; an item without location or time is one of its own.

    A burst is a run of captures at one position, each within `gap_s` of the one before. Bursts of social
    species often hold several animals (only 60 to 76 % of simulated hyena bursts held one), so that a burst
    is a question and never an answer.
    """
    known = ~(np.isnan(table.position_m).any(axis=1) | np.isnan(table.time_s))
    x, y, time_s = table.position_m[:, 0], table.position_m[:, 1], table.time_s
    order = np.lexsort((time_s, y, x))
    before, after = order[:-1], order[1:]
    joined = (
        known[before]
        & known[after]
        & (x[before] == x[after])
        & (y[before] == y[after])
        & (time_s[after] - time_s[before] <= gap_s)
    )
    ids = np.empty(len(table), dtype=np.int64)
    ids[order] = np.concatenate((np.zeros(min(len(order), 1), np.int64), np.cumsum(~joined)))
    return ids


def burst_groups(
    table: DetectionTable, embeddings: Float32Array, *, least_likeness: float = LEAST_LIKENESS
) -> list[tuple[int, ...]]:
    """The frames of each burst that look like one animal, two or more, in the order of their times.

    embeddings: (n, D); the survey's mean is taken away. A burst is cut into groups by average linkage, so
    that one question more often has one answer. Ordered by the first frame's time, ties by item.
    """
    centred = embeddings - embeddings.mean(axis=0)
    centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    ids = burst_ids(table)
    order = np.lexsort((np.arange(len(table)), table.time_s, ids))
    starts = np.flatnonzero(np.diff(ids[order], prepend=-1))
    groups: list[tuple[int, ...]] = []
    for frames in np.split(order, starts[1:]) if len(order) else []:
        if len(frames) > 1:
            unlike = 1.0 - centred[frames] @ centred[frames].T
            near = scipy.cluster.hierarchy.average(np.maximum(unlike[np.triu_indices(len(frames), 1)], 0.0))
            number = scipy.cluster.hierarchy.fcluster(near, 1.0 - least_likeness, "distance")
            groups += [tuple(frames[number == one].tolist()) for one in np.unique(number)]
    groups = [group for group in groups if len(group) > 1]
    return sorted(groups, key=lambda group: (table.time_s[group[0]], group[0]))
