from __future__ import annotations

import itertools

import numpy as np
import pytest

from spotted.constraints.graph_cuts import Strengths, bridges, minimum_cut, parts

Pair = tuple[int, int]


def connected(rng: np.random.Generator, count: int) -> dict[Pair, float]:
    """A random tree with random further links."""
    links = {(int(rng.integers(item)), item) for item in range(1, count)}
    links |= {pair for pair in itertools.combinations(range(count), 2) if rng.random() < 0.3}
    return {pair: float(rng.integers(1, 20)) / 4.0 for pair in sorted(links)}


def strengths_of(links: dict[Pair, float], count: int) -> Strengths:
    held: Strengths = {item: {} for item in range(count)}
    for (a, b), strength in links.items():
        held[a][b] = held[b][a] = strength
    return held


def across(links: dict[Pair, float], side: set[int]) -> float:
    return sum(strength for (a, b), strength in links.items() if (a in side) != (b in side))


@pytest.mark.parametrize("seed", range(20))
def test_no_bipartition_is_cheaper_than_the_minimum_cut(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 8))
    links = connected(rng, count)
    side = minimum_cut(strengths_of(links, count), 0, count - 1)
    between = range(1, count - 1)
    cheapest = min(
        across(links, {0, *chosen}) for k in range(count - 1) for chosen in itertools.combinations(between, k)
    )
    assert 0 in side
    assert count - 1 not in side
    assert across(links, side) == pytest.approx(cheapest)


def test_a_minimum_cut_leaves_its_graph_as_it_was() -> None:
    links = {(0, 1): 2.0, (1, 2): 1.0}
    strengths = strengths_of(links, 3)
    assert minimum_cut(strengths, 0, 2) == {0, 1}
    assert strengths == strengths_of(links, 3)


def test_parts_are_what_links_within_the_sides_connect() -> None:
    links = {(0, 1): 1.0, (1, 2): 1.0, (2, 3): 1.0, (1, 4): 1.0}
    assert parts(range(5), strengths_of(links, 5), {0, 1, 4}) == [[0, 1, 4], [2, 3]]
    # 0 and 2 hang together only through the other side
    assert parts(range(5), strengths_of(links, 5), {0, 2, 3}) == [[0], [1, 4], [2, 3]]


@pytest.mark.parametrize("seed", range(20))
def test_the_sums_of_a_bridge_are_those_of_all_links_across_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 9))
    links = connected(rng, count)
    # a link that holds nothing together is summed all the same
    extra = {pair: -1.0 for pair in itertools.combinations(range(count), 2) if pair not in links}
    sums = {pair: (value, 1.0) for pair, value in {**links, **extra}.items()}
    found = bridges(range(count), strengths_of(links, count), sums)
    assert len(found) == count - 1
    for bridge in found:
        side = set(bridge.side)
        assert bridge.second in side
        assert bridge.first not in side
        assert bridge.sums[0] == pytest.approx(across({**links, **extra}, side))
        assert bridge.sums[1] == len(side) * (count - len(side))


@pytest.mark.parametrize("seed", range(20))
def test_bridges_are_a_strongest_spanning_tree(seed: int) -> None:
    rng = np.random.default_rng(seed)
    links = connected(rng, 5)
    found = bridges(range(5), strengths_of(links, 5), dict.fromkeys(links, (1.0,)))
    tree = sum(links[min(b.first, b.second), max(b.first, b.second)] for b in found)

    def spans(chosen: tuple[Pair, ...]) -> bool:
        return len(parts(range(5), strengths_of(dict.fromkeys(chosen, 1.0), 5), set())) == 1

    strongest = max(
        sum(links[pair] for pair in chosen) for chosen in itertools.combinations(links, 4) if spans(chosen)
    )
    assert tree == pytest.approx(strongest)
