from __future__ import annotations

from dataclasses import replace
from datetime import date

import hypothesis.strategies as st
from hypothesis import given, settings

from spotted.reports.survey.weeks import MOST_COLUMNS, count_by_week
from spotted.survey import Camera
from tests.spotted.reports.survey.ridge import DAY_S, START_S, ridge, seen


def test_detections_are_counted_by_camera_and_local_week() -> None:
    table = count_by_week(ridge())
    # the survey ends on a Monday, which begins a fifth week
    assert table.columns == (*(date(2023, 6, 5 + 7 * n) for n in range(4)), date(2023, 7, 3))
    rows = {row.camera_id: row.counts for row in table.rows}
    assert rows == {
        "A1": (2, 0, 0, 0, 0),
        "A2": (1, 0, 1, 0, 0),
        # taken down on the tenth day
        "A3": (1, 0, None, None, None),
        "A4": (0, 0, 0, 0, 0),
    }
    assert table.without_time == 1


def test_a_sunday_night_belongs_to_the_week_before() -> None:
    facts = replace(ridge(), detections=[seen("a", "A1", 6.99), seen("b", "A1", 7.0)])
    assert count_by_week(facts).rows[0].counts[:2] == (1, 1)


def test_periods_without_an_animal_are_listed_the_longest_first() -> None:
    texts = [silence.text for silence in count_by_week(ridge()).silences]
    assert texts == [
        "A4: 5 Jun 2023 to 3 Jul 2023 (29 days)",
        "A1: 9 Jun 2023 to 3 Jul 2023 (25 days)",
        "A2: 8 Jun 2023 to 24 Jun 2023 (17 days)",
    ]


def test_detections_without_a_camera_have_a_row_of_their_own() -> None:
    facts = replace(ridge(), cameras=[Camera("A1")], detections=[seen("a", "", 1.0)])
    assert [(row.camera_id, row.total) for row in count_by_week(facts).rows] == [("A1", 0), ("", 1)]


@settings(max_examples=40, deadline=None)
@given(
    days=st.lists(st.floats(-900, 900), max_size=12),
    length=st.floats(0, 1500),
)
def test_every_detection_is_in_one_column_and_a_page_can_show_them(days: list[float], length: float) -> None:
    detections = [seen(f"d{index}", f"A{1 + index % 4}", day) for index, day in enumerate(days)]
    table = count_by_week(replace(ridge(), detections=detections, end_s=START_S + length * DAY_S))
    assert len(table.columns) <= MOST_COLUMNS
    assert sum(count or 0 for row in table.rows for count in row.counts) == len(days)
    assert all(sum(count or 0 for count in row.counts) == row.total for row in table.rows)
