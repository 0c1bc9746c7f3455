from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from spotted.facts.certain_facts import FIXED_STRENGTH, CertainFacts
from spotted.facts.kinds import Fact, Source

PAIRS = [*itertools.combinations(range(6), 2)]


@given(st.lists(st.sampled_from(PAIRS)))
def test_joins_lead_wherever_links_do(links: list[tuple[int, int]]) -> None:
    facts = CertainFacts()
    for first, second in links:
        facts.add(Fact(Source.KNOWN, first, second, ("Mvula",)))
    rows = [first for first, _ in links], [second for _, second in links]
    _, group = connected_components(coo_array(([1] * len(links), rows), shape=(6, 6)), directed=False)
    for first, second in PAIRS:
        assert facts.joins(first, second) is bool(group[first] == group[second])
    near = {item: sorted(other for other, _ in facts.joining(item)) for item in range(6)}
    assert near == {item: sorted(a + b - item for a, b in links if item in (a, b)) for item in range(6)}


def test_an_image_separates_and_joins_nothing() -> None:
    facts = CertainFacts()
    image = Fact(Source.IMAGE, 2, 1)
    facts.add(image)
    assert [*facts.separating(1)] == [(2, image)]
    assert [*facts.separating(2)] == [(1, image)]
    assert [*facts.joining(1)] == []
    assert not facts.joins(1, 2)


def test_joins_among_the_items_hold_them_together_for_certain() -> None:
    facts = CertainFacts()
    for other in (1, 2):
        facts.add(Fact(Source.ENCOUNTER, 0, other, ("e",)))
    links = {0: {1: 0.5}, 1: {0: 0.5}, 3: {}}
    facts.strengthen(links)
    assert links == {0: {1: FIXED_STRENGTH}, 1: {0: FIXED_STRENGTH}, 3: {}}
