from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotted.calibration import known_pairs
from spotted.calibration.known_pairs import find_known_pairs

PAIRS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda p: p[0] != p[1]), max_size=12)


def answers(
    same: list[tuple[int, int]], different: list[tuple[int, int]], individual: list[str]
) -> dict[tuple[int, int], bool]:
    rows, animals = find_known_pairs(same, different, individual, np.random.default_rng(0))
    return {(a, b): bool(x == y) for (a, b), (x, y) in zip(rows.tolist(), animals.tolist(), strict=True)}


def by_loop(
    same: list[tuple[int, int]], different: list[tuple[int, int]], individual: list[str]
) -> dict[tuple[int, int], bool]:
    """Closure by repetition until nothing new follows."""
    together = {frozenset(p) for p in same}
    together |= {
        frozenset((a, b))
        for a, b in combinations(range(len(individual)), 2)
        if individual[a] and individual[a] == individual[b]
    }
    while True:
        more = {
            frozenset((a, c))
            for p in together
            for q in together
            if len(p & q) == 1
            for a in p - q
            for c in q - p
        }
        if more <= together:
            break
        together |= more

    def one(a: int, b: int) -> bool:
        return a == b or frozenset((a, b)) in together

    found = {(min(p), max(p)): True for p in together}
    apart = [*different]
    apart += [
        (a, b)
        for a, b in combinations(range(len(individual)), 2)
        if individual[a] and individual[b] and individual[a] != individual[b]
    ]
    for a, b in apart:
        if not one(a, b):
            labelled_only = (a, b) in different
            for c in range(len(individual)):
                for d in range(len(individual)):
                    follows = (one(a, c) and one(b, d)) if labelled_only else (c, d) == (a, b)
                    if follows:
                        found[(min(c, d), max(c, d))] = False
    return found


@given(PAIRS, PAIRS, st.lists(st.sampled_from(["", "", "ada", "bo"]), min_size=10, max_size=10))
def test_what_is_known_is_what_a_plain_closure_finds(
    same: list[tuple[int, int]], different: list[tuple[int, int]], individual: list[str]
) -> None:
    assert answers(same, different, individual) == by_loop(same, different, individual)


def test_a_label_that_contradicts_what_follows_is_left_out() -> None:
    assert answers([(0, 1), (1, 2)], [(0, 2)], [""] * 3) == {(0, 1): True, (1, 2): True, (0, 2): True}


def test_nothing_known_gives_no_pair() -> None:
    assert answers([], [], [""] * 5) == {}
    assert answers([], [], []) == {}


def test_of_many_known_individuals_pairs_are_drawn_and_all_same_ones_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    animals = 300
    monkeypatch.setattr(known_pairs, "ALL_PAIRS", animals)
    monkeypatch.setattr(known_pairs, "DRAWN", 50_000)
    individual = [f"animal-{n // 2}" for n in range(2 * animals)]
    found = answers([], [], individual)
    assert sum(found.values()) == animals
    assert len(found) > 100 * animals
    assert all(individual[a] != individual[b] for (a, b), same in found.items() if not same)
    assert answers([], [], individual) == found
