"""Pairs whose answer is known: labelled, or implied by other labels (must-link is transitive).

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations, product

import numpy as np
import scipy

from spotted.arrays import IntArray

# with more detections of known individuals than this, pairs of different individuals are drawn at random
ALL_PAIRS = 1000
# number of pairs drawn
DRAWN = 500_000

Rows = tuple[int, int]


def find_known_pairs(
    same: Iterable[Rows],
    different: Iterable[Rows],
    individual: Sequence[str],
    rng: np.random.Generator,
) -> tuple[IntArray, IntArray]:
    """Pairs of rows whose answer is known, (m, 2), and the individual of each end as a number, (m, 2).

    same, different: labelled pairs of rows. individual: (n,) known identities, "" if unknown.
    All pairs of one animal are listed. Pairs of different known individuals are drawn at random if they are
    many. A pair labelled different that the other labels imply to be the same is a conflict and left out.

    >>> rows, animals = find_known_pairs([(0, 1), (1, 2)], [(2, 3)], [""] * 4, np.random.default_rng(0))
    >>> [(a, b, bool(x == y)) for (a, b), (x, y) in zip(rows.tolist(), animals)]
    [(0, 1, True), (0, 2, True), (0, 3, False), (1, 2, True), (1, 3, False), (2, 3, False)]
    """
    animal = _animals(same, individual)
    pairs = [*_within(animal), *_across(animal, different), *_strangers(animal, individual, rng)]
    rows = np.unique(np.sort(np.array(pairs, dtype=np.int64).reshape(-1, 2), axis=1), axis=0)
    return rows, animal[rows]


def _animals(same: Iterable[Rows], individual: Sequence[str]) -> IntArray:
    """The number of each row's animal, (n,); equal if rows are known to show one animal."""
    first: dict[str, int] = {}
    links = [*same, *((first.setdefault(who, row), row) for row, who in enumerate(individual) if who)]
    ends = np.array(links, dtype=np.int64).reshape(-1, 2)
    count = len(individual)
    graph = scipy.sparse.coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(count, count))
    return np.asarray(scipy.sparse.csgraph.connected_components(graph, directed=False)[1], dtype=np.int64)


def _members(animal: IntArray) -> dict[int, list[int]]:
    members: dict[int, list[int]] = {}
    for row, number in enumerate(animal.tolist()):
        members.setdefault(number, []).append(row)
    return members


def _within(animal: IntArray) -> Iterable[Rows]:
    for rows in _members(animal).values():
        yield from combinations(rows, 2)


def _across(animal: IntArray, different: Iterable[Rows]) -> Iterable[Rows]:
    """All pairs between two animals that a label separates."""
    members = _members(animal)
    apart = {tuple(sorted((int(animal[a]), int(animal[b])))) for a, b in different}
    for one, other in sorted(apart):
        if one != other:
            yield from product(members[one], members[other])


def _strangers(animal: IntArray, individual: Sequence[str], rng: np.random.Generator) -> Iterable[Rows]:
    """Pairs of different known individuals."""
    known = np.flatnonzero([bool(who) for who in individual])
    if len(known) <= ALL_PAIRS:
        first, second = (known[side] for side in np.triu_indices(len(known), 1))
    else:
        first, second = rng.choice(known, (2, DRAWN))
    apart = animal[first] != animal[second]
    return zip(first[apart].tolist(), second[apart].tolist(), strict=True)
