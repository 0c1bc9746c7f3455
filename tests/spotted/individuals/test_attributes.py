from __future__ import annotations

from spotted.individuals.attributes import Attributes, Sex, Status, Update, updated
from spotted.v1 import individuals_pb2 as pb


def test_updates_set_only_what_they_name_and_the_last_one_stands() -> None:
    first = Update(2, ("display_name", "notes"), Attributes("Sita", Sex.MALE, notes="torn ear"))
    second = Update(5, ("display_name", "tags"), Attributes("Gita", tags=("ear",), notes="ignored"))
    assert updated([]) == Attributes()
    assert updated([first]) == Attributes("Sita", notes="torn ear")
    assert updated([first, second]) == Attributes("Gita", notes="torn ear", tags=("ear",))


def test_the_values_are_those_of_the_contract() -> None:
    assert {sex.value for sex in Sex} == set(pb.Sex.values())
    assert {status.value for status in Status} == set(pb.IndividualStatus.values())
