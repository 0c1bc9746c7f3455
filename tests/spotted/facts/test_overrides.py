from __future__ import annotations

from spotted.facts.kinds import Fact, Source
from spotted.facts.overrides import Overrides

NAMES = {0: "Mvula", 1: "Nandi", 2: "Sita", 3: "Mvula"}


def known(first: int, second: int, *names: str) -> Fact:
    return Fact(Source.KNOWN, first, second, names)


def test_names_of_one_animal_count_as_the_first_however_they_were_merged() -> None:
    overrides = Overrides()
    overrides.add([known(1, 2, "Nandi", "Sita")], merged=True)
    overrides.add([known(0, 2, "Mvula", "Nandi")], merged=True)
    # they are one already
    overrides.add([known(2, 0, "Sita", "Mvula")], merged=True)
    assert set(overrides.names(NAMES).values()) == {"Mvula"}
    # a detection that comes later has the name too
    assert overrides.names({9: "Sita"}) == {9: "Mvula"}


def test_a_name_is_set_aside_for_one_detection_and_only_while_it_is_that_name() -> None:
    overrides = Overrides()
    overrides.add([known(0, 3, "Mvula"), known(2, 1, "Sita", "Nandi")], merged=False)
    assert overrides.names(NAMES) == {0: "Mvula", 2: "Sita"}
    # corrected since
    assert overrides.names({3: "Gita"}) == {3: "Gita"}


def test_an_encounter_is_left_by_the_detection_that_a_decision_takes_from_it() -> None:
    overrides = Overrides()
    overrides.add([Fact(Source.ENCOUNTER, 0, 2, ("e",))], merged=False)
    assert overrides.encounters({"e": [0, 1, 2], "f": [2, 3]}) == {"e": [0, 1], "f": [2, 3]}
    assert Overrides().encounters({"e": [0]}) == {"e": [0]}
