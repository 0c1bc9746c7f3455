from __future__ import annotations

from spotted.constraints.components import Components
from spotted.constraints.decided_pairs import DecidedPairs


def test_decisions_that_hold_are_listed_oldest_first_with_their_image_pairs() -> None:
    components = Components(5)
    decided = DecidedPairs(components)
    for pair in [(1, 0), (1, 2)]:
        decided.note(pair, merged=True)
        components.merge(*map(components.of, pair))
    decided.note((4, 0), merged=False)
    components.separate(components.of(0), components.of(4))
    columns = decided.columns()
    assert columns.first.tolist() == [0, 1, 0]
    assert columns.second.tolist() == [1, 2, 4]
    assert columns.merged.tolist() == [True, True, False]
    assert columns.image_pairs.tolist() == [1, 2, 3]
    components.reopen(components.of(0), components.of(4))
    decided.forget((0, 1))
    assert decided.columns().second.tolist() == [2]


def test_a_pair_that_decides_again_is_the_latest() -> None:
    components = Components(4)
    decided = DecidedPairs(components)
    for pair in [(0, 1), (2, 3), (0, 1)]:
        decided.note(pair, merged=False)
        components.separate(*map(components.of, pair))
    assert decided.columns().first.tolist() == [2, 0]
