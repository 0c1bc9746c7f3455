"""Groups of detections that may show one animal, by probabilities only: no person looked at them.

Average linkage: two groups are joined while the mean probability of the pairs between them is at least a
threshold. A pair that is not listed counts as 0, so that a short candidate list splits an animal rather than
joining two. Two detections in one image are two animals and are never in one group.

Groups that are joined have a pair of at least the threshold between them, so only detections that such pairs
connect are compared with each other.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy

from spotted.arrays import BoolArray, Float64Array, FloatArray, IntArray
from spotted.errors import InvalidInputError

# a pair is more likely right than wrong
THRESHOLD = 0.5
# connected detections that are compared all with all: 64 MiB
MOST_TOGETHER = 2_000
# no mean with it is near enough
APART = 1e9
# of distances, for means that equal the threshold
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class UnreviewedGroups:
    """Groups that no person looked at.

    >>> pairs = np.array([0, 1, 0]), np.array([1, 2, 3])
    >>> found = group_unreviewed(5, *pairs, np.array([0.9, 0.7, 0.2]))
    >>> found.group.tolist(), found.joined_pairs, round(found.expected_wrong, 2)
    ([0, 0, 1, 2, 3], 1, 0.1)
    """

    group: IntArray
    """(n,) the group of each detection, numbered by their first detection."""
    support: Float64Array
    """(n,) mean probability of the pairs of a detection with the others of its group; NaN if it has none."""
    joined_pairs: int
    """Number of pairs in one group."""
    expected_wrong: float
    """How many of them show two animals, by their probabilities."""


def group_unreviewed(
    count: int,
    first: IntArray,
    second: IntArray,
    probability: FloatArray,
    *,
    image: IntArray | None = None,
    threshold: float = THRESHOLD,
) -> UnreviewedGroups:
    """Group `count` detections by the probabilities of pairs.

    first, second, probability: (m,) the pairs that may show one animal; a pair may occur twice, in any order.
    image: (count,) equal numbers for detections in one image, -1 if unknown.
    Raises InvalidInputError if the threshold is not above 0 and at most 1.
    """
    if not 0.0 < threshold <= 1.0:
        raise InvalidInputError(
            f"the threshold is {threshold}; use one above 0, at most 1", field="threshold"
        )
    keys = np.minimum(first, second) * count + np.maximum(first, second)
    keys, index = np.unique(keys, return_index=True)
    low, high = np.divmod(keys, max(count, 1))
    pairs = _Pairs(low, high, probability[index].astype(np.float64))
    images = np.full(count, -1) if image is None else image
    group = np.arange(count)
    for members, within in _connected(pairs, count, threshold):
        distance = _distances(members, within, images)
        tree = scipy.cluster.hierarchy.linkage(scipy.spatial.distance.squareform(distance), "average")
        limit = 1.0 - threshold + ROUNDING
        part = scipy.cluster.hierarchy.fcluster(tree, limit, "distance")
        group[members] = members[_first_of_each(part.astype(np.int64))]
    return _described(np.unique(group, return_inverse=True)[1], pairs)


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """Pairs of rows, each once, the lower row first."""

    low: IntArray
    high: IntArray
    probability: Float64Array

    def at(self, chosen: BoolArray) -> _Pairs:
        return _Pairs(self.low[chosen], self.high[chosen], self.probability[chosen])


def _connected(pairs: _Pairs, count: int, level: float) -> Iterator[tuple[IntArray, _Pairs]]:
    """The members of each connected set of two detections or more, and the pairs within it.

    Sets of more than MOST_TOGETHER are cut at a higher probability.
    """
    strong = pairs.probability >= level
    ends = pairs.low[strong], pairs.high[strong]
    graph = scipy.sparse.coo_array((np.ones(len(ends[0])), ends), shape=(count, count))
    label = scipy.sparse.csgraph.connected_components(graph, directed=False)[1]
    inside = label[pairs.low] == label[pairs.high]
    kept, of = pairs.at(inside), label[pairs.low[inside]]
    order = np.argsort(of, kind="stable")
    starts = np.flatnonzero(np.diff(of[order])) + 1
    for chosen in np.split(order, starts) if len(order) else ():
        within = _Pairs(kept.low[chosen], kept.high[chosen], kept.probability[chosen])
        members = np.union1d(within.low, within.high)
        if len(members) <= MOST_TOGETHER:
            yield members, within
        elif level < 1.0:
            yield from _connected(within, count, min((1.0 + level) / 2.0 + ROUNDING, 1.0))


def _distances(members: IntArray, within: _Pairs, image: IntArray) -> Float64Array:
    """One less the probability of each pair of members, (k, k)."""
    distance = np.ones((len(members), len(members)))
    rows, columns = np.searchsorted(members, within.low), np.searchsorted(members, within.high)
    distance[rows, columns] = distance[columns, rows] = 1.0 - within.probability
    own = image[members]
    distance[(own[:, None] == own[None, :]) & (own[:, None] >= 0)] = APART
    np.fill_diagonal(distance, 0.0)
    return distance


def _first_of_each(part: IntArray) -> IntArray:
    """For each member the index of the first member of its part."""
    _, first, index = np.unique(part, return_index=True, return_inverse=True)
    return np.asarray(first[index])


def _described(group: IntArray, pairs: _Pairs) -> UnreviewedGroups:
    joined = pairs.at(group[pairs.low] == group[pairs.high])
    sizes = np.bincount(group) if len(group) else np.empty(0, np.int64)
    total = sum(
        np.bincount(rows, joined.probability, len(group)) for rows in (joined.low, joined.high)
    ) * np.ones(len(group))
    others = sizes[group] - 1.0
    support = np.divide(total, others, out=np.full(len(group), np.nan), where=others > 0)
    count = int((sizes * (sizes - 1)).sum()) // 2
    return UnreviewedGroups(group, support, count, count - float(joined.probability.sum()))
