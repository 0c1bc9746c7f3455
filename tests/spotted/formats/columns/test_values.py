from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotted.formats.columns.values import degrees_text, is_no_animal, number_text


@given(st.integers(0, 89), st.integers(0, 59), st.integers(0, 599), st.sampled_from("NSEW"))
def test_degrees_minutes_and_seconds_are_decimal_degrees(
    deg: int, minutes: int, tenths: int, letter: str
) -> None:
    sign = -1 if letter in "SW" else 1
    expected = sign * (deg + minutes / 60 + tenths / 36_000)
    for text in (f"{deg}°{minutes}'{tenths / 10}\"{letter}", f"{letter} {deg} {minutes} {tenths / 10}"):
        assert float(degrees_text(text)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("text", ["", "-24.5", "24.5", "unknown", "24:75", "36K 323709"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert degrees_text(text) == text


def test_a_comma_in_metres_is_a_decimal_one_only_if_it_separates_no_cells() -> None:
    assert number_text("7289291,5", decimal_comma=True) == "7289291.5"
    assert number_text("7.289.291,5", decimal_comma=True) == "7289291.5"
    assert number_text("7,289,291.5", decimal_comma=False) == "7289291.5"
    # thousands or decimals: nobody can say, so it stays and is refused
    assert number_text("456,789", decimal_comma=False) == "456,789"


def test_a_label_of_a_species_is_an_animal() -> None:
    assert not any(map(is_no_animal, ["Leopard", "Panthera pardus", "unknown", "Human-habituated baboon"]))
    assert all(map(is_no_animal, ["Empty", "no animal", "Vehicles/Humans/Livestock"]))
