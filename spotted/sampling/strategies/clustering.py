"""Constrained density clustering of a candidate graph (SPAL's constrained DBSCAN, Spotted section 4).

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from spotted.arrays import IntArray
from spotted.constraints.interface import Constraints
from spotted.errors import PreconditionError
from spotted.sampling.candidate_graph import CandidateGraph

NOISE = -1
EPS_STEPS = 100  # eps is chosen on a grid of hundredths


def constrained_dbscan(
    graph: CandidateGraph, constraints: Constraints, *, eps: float, min_samples: int = 2
) -> IntArray:
    """Clusters of alike items that respect every label; the distance of a pair is 1 - fused.

    An item is core if it and its neighbours within eps number `min_samples` (2 here; SPAL codes 4).
    A cluster grows from its lowest core item: from core items to their neighbours, and from every item
    to its whole component, unless that component is separated from one already inside. A component of
    several items without a core is a cluster of its own.

    Returns (constraints.items,): clusters numbered from 0 in the order of their lowest core, NOISE for
    items without any. Raises PreconditionError if the graph holds items that constraints lacks.
    """
    if graph.n > constraints.items:
        raise PreconditionError(
            f"the graph has {graph.n} items, the constraints only {constraints.items}; add the items first"
        )
    start, neighbours = _neighbours(graph, constraints.items, eps)
    growth = _Growth(constraints, start.tolist(), neighbours.tolist(), min_samples)
    for item in range(constraints.items):
        if growth.cluster[item] == NOISE and growth.is_core(item):
            growth.grow(item)
    for members in constraints.components():
        if growth.cluster[members[0]] == NOISE and len(members) > 1:
            growth.grow(members[0])
    return np.array(growth.cluster, dtype=np.int64)


def choose_eps(
    graph: CandidateGraph, constraints: Constraints, *, largest: int = 30, min_samples: int = 2
) -> float:
    """The largest eps, in hundredths, whose biggest cluster has at most `largest` items.

    The paper picks eps by grid so that the largest cluster stays within a few tens of members while
    single-item clusters stay few; the largest such eps leaves the fewest singles. It is found by
    bisection. A component of more than `largest` items raises the limit to its size.
    """
    limit = max(largest, max(map(len, constraints.components()), default=0))
    low, high = 1, EPS_STEPS
    while low < high:
        middle = (low + high + 1) // 2
        clusters = constrained_dbscan(graph, constraints, eps=middle / EPS_STEPS, min_samples=min_samples)
        fits = np.bincount(clusters[clusters != NOISE], minlength=1).max() <= limit
        low, high = (middle, high) if fits else (low, middle - 1)
    return low / EPS_STEPS


@dataclass(slots=True)
class _Growth:
    """Clusters while they grow; neighbours of item i are neighbours[start[i]:start[i + 1]]."""

    constraints: Constraints
    start: list[int]
    neighbours: list[int]
    min_samples: int
    count: int = 0
    cluster: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.cluster = [NOISE] * self.constraints.items

    def is_core(self, item: int) -> bool:
        return self.start[item + 1] - self.start[item] + 1 >= self.min_samples

    def grow(self, seed: int) -> None:
        """Number the next cluster, beginning with the component of `seed`."""
        blocked: set[int] = set()
        border = deque((seed,))
        while border:
            item = border.popleft()
            component = self.constraints.component_of(item)
            if self.cluster[item] != NOISE or component in blocked:
                continue
            blocked |= self.constraints.separated_from(component)
            for member in self.constraints.members(component):
                self.cluster[member] = self.count
                if self.is_core(member):
                    border.extend(self.neighbours[self.start[member] : self.start[member + 1]])
        self.count += 1


def _neighbours(graph: CandidateGraph, items: int, eps: float) -> tuple[IntArray, IntArray]:
    """(items + 1,) offsets and the neighbours within eps of every item, ascending."""
    near = 1.0 - graph.fused.astype(np.float64) <= eps
    first, second = graph.first[near], graph.second[near]
    item, other = np.concatenate((first, second)), np.concatenate((second, first))
    offsets = np.concatenate(([0], np.cumsum(np.bincount(item, minlength=items))))
    return offsets.astype(np.int64), other[np.lexsort((other, item))]
