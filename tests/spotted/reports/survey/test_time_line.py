from __future__ import annotations

import pytest

from spotted.reports.survey.facts import FoundIndividual
from spotted.reports.survey.time_line import LEFT, RIGHT, WIDTH, draw_time_line
from tests.spotted.reports.survey.ridge import DAY_S, HARARE, MVULA, SITA, START_S, seen


def test_captures_stand_in_proportion_to_time_in_the_lane_of_their_side() -> None:
    drawn = draw_time_line(SITA, START_S, START_S + 41 * DAY_S, HARARE)
    assert drawn
    assert [one.lane for one in drawn.captures] == ["left", "right", "left"]
    # half of the survey
    assert drawn.captures[2].x == pytest.approx(LEFT + (WIDTH - LEFT - RIGHT) / 2)
    assert [name for name, _ in drawn.lanes] == ["left", "right"]
    assert drawn.alt == (
        "Time line of Sita: 3 photographs from 6 Jun 2023 to 25 Jun 2023, at most 18 days between two of "
        "them."
    )


def test_ticks_are_local_midnights_within_the_survey() -> None:
    drawn = draw_time_line(SITA, START_S, START_S + 28 * DAY_S, HARARE)
    assert drawn
    assert [text for _, text in drawn.ticks] == ["5 Jun", "12 Jun", "19 Jun", "26 Jun", "3 Jul"]
    years = draw_time_line(SITA, START_S, START_S + 800 * DAY_S, HARARE)
    assert years
    assert years.ticks[0][1] == "Jun 2023"


def test_a_capture_outside_of_the_survey_widens_the_line() -> None:
    drawn = draw_time_line(SITA, START_S + 5 * DAY_S, START_S + 6 * DAY_S, HARARE)
    assert drawn
    assert all(LEFT <= one.x <= WIDTH - RIGHT for one in drawn.captures)


def test_without_times_there_is_no_line_and_unknown_times_are_left_out() -> None:
    assert draw_time_line(FoundIndividual("x", [seen("d", "A1", None)]), 0.0, 1.0, HARARE) is None
    drawn = draw_time_line(MVULA, START_S, START_S + DAY_S, HARARE)
    assert drawn
    assert len(drawn.captures) == 1
    assert drawn.alt.endswith("1 photograph from 8 Jun 2023 to 8 Jun 2023.")
