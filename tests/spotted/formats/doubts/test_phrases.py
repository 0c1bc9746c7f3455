from __future__ import annotations

from spotted.formats.doubts.phrases import format_period, format_utc, picture_name, side_of_period
from spotted.formats.picture import Picture
from spotted.survey import Camera, Detection


def test_a_picture_is_named_by_its_row_or_its_id() -> None:
    assert picture_name(Picture(Detection("d1"), None, source="m.csv row 5")) == "m.csv row 5"
    assert picture_name(Picture(Detection("d1"), None)) == "detection 'd1'"


def test_instants_and_periods_are_in_utc() -> None:
    assert format_utc(0.4) == "1970-01-01T00:00:00+00:00"
    assert format_period((0.0, 86_400.0)) == "1970-01-01T00:00:00+00:00 to 1970-01-02T00:00:00+00:00"


def test_an_instant_before_and_after_a_period_is_described_by_both_instants() -> None:
    camera = Camera("A", start_s=100.0, end_s=200.0)
    early, late = (side_of_period(camera, Picture(Detection("d", "A", s), None)) for s in (40.0, 260.0))
    assert early == (
        "taken 1970-01-01T00:00:40+00:00, before its camera 'A' started (1970-01-01T00:01:40+00:00)"
    )
    assert late == "taken 1970-01-01T00:04:20+00:00, after its camera 'A' ended (1970-01-01T00:03:20+00:00)"
