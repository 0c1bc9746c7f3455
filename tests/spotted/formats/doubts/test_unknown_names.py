from __future__ import annotations

import unicodedata

import pytest

from spotted.formats.doubts.unknown_names import UNKNOWN_NAMES, means_unknown


@pytest.mark.parametrize(
    "name",
    [
        "unknown",
        "Unknown ",
        "UNID",
        "Unidentified",
        "un-identified",
        "No_ID",
        "n/a",
        "?",
        "??",
        "-",
        "____",
        "Mvula?",
        "(unknown)",
        "Não identificado",
        unicodedata.normalize("NFD", "não identificado"),
        "Unidentifiable",
    ],
)
def test_a_name_of_no_animal_is_known_in_any_spelling(name: str) -> None:
    assert means_unknown(name)


@pytest.mark.parametrize(
    "name", ["", "Mvula", "Unknown 1", "UNID-07", "Nan", "M1", "Nala", "Noa", "42", "Ñu"]
)
def test_names_of_animals_and_missing_ones_are_none_of_them(name: str) -> None:
    assert not means_unknown(name)


def test_the_list_is_written_as_names_are_compared() -> None:
    assert all(name.isalnum() and name == name.casefold() and name.isascii() for name in UNKNOWN_NAMES)
    assert all(means_unknown(name.upper()) for name in UNKNOWN_NAMES)
