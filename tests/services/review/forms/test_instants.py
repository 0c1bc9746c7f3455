from __future__ import annotations

import math
from zoneinfo import ZoneInfo

import pytest

from services.review.forms.instants import CHANCES, chance, chances, instant, number, word, zone_name
from spotted.survey import Side

LISBON = ZoneInfo("Europe/Lisbon")


def test_instants_have_the_offset_of_their_day() -> None:
    assert instant(0.0) == "1970-01-01T00:00:00Z"
    assert instant(None, LISBON) is None
    assert instant(1_720_000_000.0, LISBON) == "2024-07-03T10:46:40+01:00"
    assert (zone_name(1_720_000_000.0, LISBON), zone_name(1_704_067_200.0, LISBON)) == ("WEST", "WET")
    assert zone_name(None, LISBON) == ""


def test_words_and_numbers() -> None:
    assert (word(Side.LEFT), word(None)) == ("left", "")
    assert (number(1.5), number(None), number(math.inf), number(math.nan)) == (1.5, None, None, None)


@pytest.mark.parametrize(("least", "name"), CHANCES)
def test_each_word_begins_at_its_chance(least: float, name: str) -> None:
    assert chance(max(least, 1e-9)) == name
    assert least == 0.0 or chance(math.nextafter(least, 0.0)) != name
    assert chance(0.0) == ""


def test_what_was_not_measured_is_a_rank_and_never_a_chance() -> None:
    scores = [0.97, 0.96, 0.02]
    assert chances(scores, calibrated=True) == ["very likely", "very likely", "very unlikely"]
    assert chances(scores, calibrated=False) == ["best candidate", "another candidate", "another candidate"]
    assert chances([], calibrated=False) == []
