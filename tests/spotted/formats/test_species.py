from __future__ import annotations

import pytest

from spotted.errors import InvalidInputError
from spotted.formats.problems import Problems
from spotted.formats.row import Row
from spotted.formats.species import select_species


def rows_of(*names: str) -> list[Row]:
    problems = Problems()
    return [Row("t.csv", number, {"species": name}, problems) for number, name in enumerate(names, start=2)]


def numbers(rows: list[Row], species: str | None) -> list[int]:
    return [row.number for row in select_species(rows, species, column="species", table="the table")]


def test_the_only_species_needs_no_name() -> None:
    assert numbers(rows_of("hyena", "hyena"), None) == [2, 3]
    assert numbers(rows_of("", ""), None) == [2, 3]
    assert numbers([], None) == []


def test_a_species_is_selected_without_regard_to_case_and_spaces() -> None:
    assert numbers(rows_of("Hyena", "lion", " hyena "), " HYENA") == [2, 4]


def test_several_species_and_an_unknown_one_are_refused_with_counts() -> None:
    rows = rows_of("hyena", "lion", "hyena", "")
    with pytest.raises(
        InvalidInputError, match=r"several species in the table: hyena \(2\), lion \(1\), \(none\)"
    ):
        numbers(rows, None)
    with pytest.raises(
        InvalidInputError, match=r"no row of the table has species 'eland'; species there: hyena"
    ):
        numbers(rows, "eland")
    with pytest.raises(InvalidInputError, match="species there: none"):
        numbers([], "eland")
