"""From labels to pairs whose answer is known: given, or following from others (must-link is transitive)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations, product

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from spotted.arrays import IntArray

# up to so many detections of known individuals, each of their pairs is listed; of more, pairs at random
ALL_PAIRS = 1000
DRAWN = 500_000

Rows = tuple[int, int]


def find_known_pairs(
    same: Iterable[Rows],
    different: Iterable[Rows],
    individual: Sequence[str],
    rng: np.random.Generator,
) -> tuple[IntArray, IntArray]:
    """Pairs of rows whose answer is known, (m, 2), and the individual of each end as a number, (m, 2).

    same, different: labelled pairs of rows. individual: (n,) known identities, "" where unknown.
    All pairs of one animal are listed. Those of different known individuals are drawn at random where they
    are many. A pair labelled different that follows to be the same is left out (ours): it is a conflict.
    """
    animal = _animals(same, individual)
    found = [*_within(animal), *_across(animal, different), *_strangers(animal, individual, rng)]
    rows = np.unique(np.sort(np.array(found, dtype=np.int64).reshape(-1, 2), axis=1), axis=0)
    return rows, animal[rows]


def _animals(same: Iterable[Rows], individual: Sequence[str]) -> IntArray:
    """The number of each row's animal, (n,); equal where rows are known to show one."""
    first: dict[str, int] = {}
    links = [*same, *((first.setdefault(who, row), row) for row, who in enumerate(individual) if who)]
    ends = np.array(links, dtype=np.int64).reshape(-1, 2)
    count = len(individual)
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _members(animal: IntArray) -> dict[int, list[int]]:
    members: dict[int, list[int]] = {}
    for row, number in enumerate(animal.tolist()):
        members.setdefault(number, []).append(row)
    return members


def _within(animal: IntArray) -> Iterable[Rows]:
    for rows in _members(animal).values():
        yield from combinations(rows, 2)


def _across(animal: IntArray, different: Iterable[Rows]) -> Iterable[Rows]:
    """All pairs between animals that a label tells apart."""
    members = _members(animal)
    apart = {tuple(sorted((int(animal[a]), int(animal[b])))) for a, b in different}
    for one, other in sorted(apart):
        if one != other:
            yield from product(members[one], members[other])


def _strangers(animal: IntArray, individual: Sequence[str], rng: np.random.Generator) -> Iterable[Rows]:
    """Pairs of known individuals that are not the same."""
    known = np.flatnonzero([bool(who) for who in individual])
    if len(known) <= ALL_PAIRS:
        first, second = (known[side] for side in np.triu_indices(len(known), 1))
    else:
        first, second = rng.choice(known, (2, DRAWN))
    apart = animal[first] != animal[second]
    return zip(first[apart].tolist(), second[apart].tolist(), strict=True)
