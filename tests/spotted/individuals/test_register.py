from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spotted.constraints.answers import Answer, LabelledPair
from spotted.constraints.closure import Closure
from spotted.constraints.interface import Constraints
from spotted.individuals.founders import Founder
from spotted.individuals.register import Register, Registered, differing

partitions = st.integers(1, 12).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, n - 1), min_size=n, max_size=n),
        st.lists(st.integers(0, n - 1), min_size=n, max_size=n + 3),
    )
)


def groups(labels: list[int]) -> set[frozenset[int]]:
    return {frozenset(i for i, label in enumerate(labels) if label == each) for each in labels}


@given(partitions)
def test_components_differ_as_their_sets_of_items_do(drawn: tuple[list[int], list[int]]) -> None:
    before, after = drawn
    found = differing(np.array(before), np.array(after))
    new = groups(after) - groups(before)
    assert {next(g for g in groups(after) if item in g) for item in found.tolist()} == new
    assert len(found) == len(new)


def joined(*pairs: tuple[int, int], items: int = 8) -> Constraints:
    constraints = Closure(items)
    for pair in pairs:
        constraints.apply(LabelledPair("", *pair, Answer.SAME))
    return constraints


def ids(founders: list[Founder]) -> list[int]:
    assert all(founder.copy == 0 for founder in founders)
    return [founder.item for founder in founders]


def test_an_individual_is_present_until_it_is_part_of_another() -> None:
    register, single = Register(), joined()
    register.settle(single, range(8), 1)
    assert ids(register.present()) == list(range(8))
    pair = joined((2, 5))
    register.settle(pair, [5], 2)
    assert register.individual(pair, 5) == Registered(Founder(2), (2, 5), (), 2)
    assert (ids(register.changed_since(1)), ids(register.ended_since(1))) == ([2], [5])
    triple = joined((2, 5), (1, 2))
    register.settle(triple, [1], 3)
    # founded as 2 before 1 joined it
    assert register.individual(triple, 1) == Registered(Founder(2), (1, 2, 5), (), 3)
    assert ids(register.ended_since(2)) == [1]
    register.settle(single, [1, 2, 5], 4)
    assert ids(register.changed_since(3)) == [1, 2, 5]
    assert register.ended_since(0) == []
    assert len(register) == 8


def test_joined_individuals_list_each_other_as_aliases() -> None:
    register, apart = Register(), joined((0, 1), (2, 3))
    register.settle(apart, range(8), 1)
    together = joined((0, 1), (2, 3), (1, 3))
    register.settle(together, [0], 2)
    assert register.individual(together, 3) == Registered(Founder(0), (0, 1, 2, 3), (Founder(2),), 2)
    register.settle(apart, [0, 2], 3)
    assert register.individual(apart, 3) == Registered(Founder(2), (2, 3), (), 3)


def test_an_individual_without_its_founding_item_is_found_and_that_item_gets_a_new_identity() -> None:
    register, pair, single = Register(), joined((2, 5)), joined()
    register.settle(pair, range(8), 1)
    register.founders.move(Founder(2), 5, 2)
    register.settle(single, [2, 5], 2)
    assert register.individual(single, 5).founder == Founder(2)
    assert register.individual(single, 2).founder == Founder(2, 1)
    assert [register.find(Founder(2, n)) for n in range(3)] == [5, 2, None]
    register.founders.forget({2})
    register.settle(pair, [2, 5], 3)
    assert register.individual(pair, 5) == Registered(Founder(2), (2, 5), (), 3)
    assert register.ended_since(2) == [Founder(2, 1)]
    assert register.find(Founder(2, 1)) is None


def test_an_empty_session_has_no_individuals() -> None:
    empty = np.empty(0, dtype=np.int64)
    assert differing(empty, empty).tolist() == []
    assert Register().present() == []
    assert Register().named() == {}


def test_strangers_make_no_individual_and_give_no_id() -> None:
    register = Register()
    register.strangers.update({0, 1, 7})
    register.settle(joined((0, 1)), range(8), 1)
    assert ids(register.present()) == [2, 3, 4, 5, 6]
    both = joined((0, 1), (1, 5), (5, 3))
    register.settle(both, [0, 5], 2)
    assert ids(register.present()) == [2, 3, 4, 6]
    one = register.individual(both, 0)
    assert (one.founder.item, one.members, one.position) == (3, (0, 1, 3, 5), 2)
    # an animal that only strangers show is found by them, and is no individual
    apart = joined((0, 1), (5, 3))
    register.settle(apart, [0, 3], 3)
    alone = register.individual(apart, 1)
    assert (register.is_present(alone.founder), alone.position) == (False, 0)
    assert ids(register.present()) == [2, 3, 4, 6]
