"""The weakest points of an individual: minimum cuts and bridges of a graph of answers.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# item -> other item -> how strongly the two are held together; the same both ways
Strengths = dict[int, dict[int, float]]
Sums = tuple[float, ...]

# flow below this is rounding
LEAST_FLOW = 1e-9


def minimum_cut(strengths: Strengths, source: int, sink: int) -> set[int]:
    """The source's side of the cheapest cut between two items; the smallest such side.

    strengths: positive. By shortest augmenting paths (Edmonds and Karp 1972).
    """
    residual = {item: dict(near) for item, near in strengths.items()}
    while True:
        came = _reach(residual, source, sink)
        if sink not in came:
            return set(came)
        _augment(residual, came, sink)


def parts(items: Iterable[int], strengths: Strengths, side: set[int]) -> list[list[int]]:
    """The connected parts that a cut leaves, each ascending, by lowest item."""
    left = dict.fromkeys(sorted(items))
    found: list[list[int]] = []
    while left:
        start = next(iter(left))
        part = [start]
        del left[start]
        for item in part:
            for other in strengths.get(item, ()):
                if other in left and (item in side) == (other in side):
                    del left[other]
                    part.append(other)
        found.append(sorted(part))
    return found


@dataclass(frozen=True, slots=True)
class Bridge:
    """A link of a strongest spanning tree."""

    first: int
    second: int
    side: tuple[int, ...]
    """The items on the side of `second`."""
    sums: Sums
    """Sums over all links between the two sides, in the tree or not."""


def bridges(
    items: Iterable[int], strengths: Strengths, links: Mapping[tuple[int, int], Sums]
) -> list[Bridge]:
    """Every link of the strongest spanning tree, with the sums of all links across it.

    items: connected by `strengths`. links: the vectors to sum, by pair of items.
    """
    order, parent = _strongest_tree(items, strengths)
    depth = {order[0]: 0}
    for item in order[1:]:
        depth[item] = depth[parent[item]] + 1
    width = len(next(iter(links.values()), ()))
    below: dict[int, list[float]] = {item: [0.0] * width for item in order}
    for (first, second), vector in links.items():
        meeting = _meeting(parent, depth, first, second)
        for k, value in enumerate(vector):
            below[first][k] += value
            below[second][k] += value
            below[meeting][k] -= 2.0 * value
    side = {item: [item] for item in order}
    found: list[Bridge] = []
    for item in reversed(order[1:]):
        above = parent[item]
        found.append(Bridge(above, item, tuple(side[item]), tuple(below[item])))
        side[above] += side[item]
        below[above] = [x + y for x, y in zip(below[above], below[item], strict=True)]
    return found


def _reach(residual: Strengths, source: int, sink: int) -> dict[int, int]:
    """The items that flow from the source still reaches, with the item before; breadth first."""
    came = {source: source}
    frontier = [source]
    for item in frontier:
        for other, capacity in residual.get(item, {}).items():
            if capacity > LEAST_FLOW and other not in came:
                came[other] = item
                if other == sink:
                    return came
                frontier.append(other)
    return came


def _augment(residual: Strengths, came: dict[int, int], sink: int) -> None:
    path: list[tuple[int, int]] = []
    while (before := came[sink]) != sink:
        path.append((before, sink))
        sink = before
    flow = min(residual[a][b] for a, b in path)
    for a, b in path:
        residual[a][b] -= flow
        residual[b][a] += flow


def _strongest_tree(items: Iterable[int], strengths: Strengths) -> tuple[list[int], dict[int, int]]:
    """Items in an order that has every parent before its children, and the parents (Prim 1957)."""
    start = min(items)
    order: list[int] = []
    parent: dict[int, int] = {}
    waiting = [(0.0, start, start)]
    while waiting:
        _, item, above = heapq.heappop(waiting)
        if item in parent:
            continue
        parent[item] = above
        order.append(item)
        for other, strength in strengths.get(item, {}).items():
            if other not in parent:
                heapq.heappush(waiting, (-strength, other, item))
    return order, parent


def _meeting(parent: dict[int, int], depth: dict[int, int], first: int, second: int) -> int:
    """The lowest item that is above both."""
    while first != second:
        if depth[first] < depth[second]:
            first, second = second, first
        first = parent[first]
    return first
