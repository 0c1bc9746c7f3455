from __future__ import annotations

from spotted.individuals.attributes import Attributes, Update
from spotted.individuals.founders import Founder, Founders

ITEMS = range(10)


def named(name: str, position: int) -> Update:
    return Update(position, ("display_name",), Attributes(name))


def items(found: list[Founder]) -> list[int]:
    assert all(founder.copy == 0 for founder in found)
    return [founder.item for founder in found]


def test_the_first_founded_comes_first_and_what_people_described_before_it() -> None:
    founders = Founders()
    founders.found([Founder(7)], 3)
    founders.found([Founder(2), Founder(4)], 5)
    founders.found([Founder(7)], 9)
    assert items(founders.ranked(ITEMS)) == [7, 2, 4]
    founders.update(Founder(4), named("Sita", 10))
    assert items(founders.ranked(ITEMS)) == [4, 7, 2]
    # clearing a name is a description too: the id stays
    founders.update(Founder(4), named("", 11))
    assert items(founders.ranked(ITEMS)) == [4, 7, 2]
    assert founders.described() == [Founder(4)]


def test_a_person_who_joins_chooses_the_id_and_a_later_choice_overrides_it() -> None:
    founders = Founders()
    founders.found([Founder(1)], 2)
    founders.keep(Founder(3), [Founder(1)], 5)
    assert items(founders.ranked([1, 3])) == [3, 1]
    founders.keep(Founder(1), [Founder(3)], 7)
    assert items(founders.ranked([1, 3])) == [1, 3]
    founders.forget({7})
    assert items(founders.ranked([1, 3])) == [3, 1]
    # one that gave way to another has its own id where the other is not
    assert items(founders.ranked([1, 2])) == [1]


def test_a_choice_never_hides_a_described_individual() -> None:
    founders = Founders()
    founders.update(Founder(1), named("Sita", 2))
    founders.keep(Founder(3), [Founder(1)], 5)
    assert items(founders.ranked([1, 3])) == [1, 3]


def test_choices_in_a_circle_leave_the_last_one_first() -> None:
    founders = Founders()
    for position, (kept, merged) in enumerate([(0, 1), (1, 2), (2, 0)], start=2):
        founders.keep(Founder(kept), [Founder(merged)], position)
    assert items(founders.ranked([0, 1, 2]))[0] == 2


def test_expired_identities_stay_as_long_as_an_individual_has_its_id_from_them() -> None:
    founders = Founders()
    founders.found([Founder(3), Founder(8)], 4)
    assert founders.forget({4}) == {3, 8}
    founders.settle((3, 5))
    founders.settle((8,))
    assert items(founders.ranked([3, 5, 8])) == [3]
    founders.update(Founder(5), named("Sita", 6))
    assert founders.forget({6}) == {5}
    founders.settle((3, 5))
    assert items(founders.ranked([3, 5])) == [3]
    assert founders.attributes(Founder(5)) == Attributes()


def test_an_identity_stays_with_the_item_it_was_moved_to_until_that_is_forgotten() -> None:
    founders = Founders()
    founders.update(Founder(5), named("Sita", 3))
    founders.move(Founder(5), 6, 4)
    founders.move(Founder(5), 7, 9)
    assert founders.anchor(Founder(5)) == 7
    assert (founders.ranked([5, 6]), founders.ranked([7])) == ([], [Founder(5)])
    # another individual founded on that item has an id of its own
    assert founders.unused(5) == Founder(5, 1)
    founders.found([Founder(5, 1)], 9)
    assert founders.unused(5) == Founder(5, 2)
    assert founders.forget({9}) == {5, 6, 7}
    assert founders.ranked([6]) == [Founder(5)]
    assert founders.forget({4}) == {5, 6}
    assert founders.ranked([5, 6]) == [Founder(5), Founder(5, 1)]
    founders.settle((5, 6))
    assert founders.ranked([5, 6]) == [Founder(5)]
    assert Founder(5, 1) not in founders
