from __future__ import annotations

from spotted.facts.kinds import Fact, Source
from spotted.individuals.contrary_facts import facts_against
from spotted.individuals.decisions import Parts

NAMES = {0: "Mvula", 1: "Mvula", 2: "Nandi", 3: "Nandi", 5: "Sita"}


def part(*items: int) -> frozenset[int]:
    return frozenset(items)


def test_a_merge_stands_against_every_further_name_once() -> None:
    merged = Parts((part(0, 1, 2, 3, 4, 5),), (2,))
    assert facts_against(merged, part(), NAMES, {}) == (
        Fact(Source.KNOWN, 2, 0, ("Nandi", "Mvula")),
        Fact(Source.KNOWN, 2, 5, ("Nandi", "Sita")),
    )
    assert facts_against(Parts((part(0, 1, 4),), (4,)), part(), NAMES, {}) == ()


def test_a_split_stands_against_the_name_and_the_encounter_that_stay() -> None:
    split = Parts((part(0, 4), part(1, 6)), (0, 1), ((0, 1),))
    encounters = {"e": [4, 6], "f": [1, 6]}
    assert facts_against(split, part(1, 6), NAMES, encounters) == (
        Fact(Source.KNOWN, 0, 1, ("Mvula",)),
        Fact(Source.ENCOUNTER, 4, 6, ("e",)),
    )
    # a name that no other detection has goes along
    assert facts_against(Parts((part(4), part(5)), (4, 5), ((0, 1),)), part(5), NAMES, {}) == ()


def test_a_move_stands_against_the_name_of_what_is_moved_to_another_one() -> None:
    away = Parts((part(0, 2, 3), part(1)), (2, 1), ((0, 1),))
    assert facts_against(away, part(0), NAMES, {}) == (Fact(Source.KNOWN, 1, 0, ("Mvula",)),)
    # all of it is moved: nothing stays behind, and it has the name of its new individual
    whole = Parts((part(0, 1, 2, 3),), (2,))
    assert facts_against(whole, part(0, 1), NAMES, {}) == (
        Fact(Source.KNOWN, 2, 0, ("Nandi", "Mvula")),
        Fact(Source.KNOWN, 2, 1, ("Nandi", "Mvula")),
    )
    # to one without a name it takes its own along; of several the first
    assert facts_against(Parts((part(4, 0, 1),), (4,)), part(0, 1), NAMES, {}) == ()
    two = Parts((part(4, 0, 5),), (4,))
    assert facts_against(two, part(0, 5), NAMES, {}) == (Fact(Source.KNOWN, 0, 5, ("Mvula", "Sita")),)
