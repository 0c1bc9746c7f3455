from __future__ import annotations

import math
from dataclasses import replace

import pytest

from spotted.reports.survey.facts import FoundIndividual
from spotted.reports.survey.movements import HEIGHT, WIDTH, draw_movements
from spotted.survey import Camera
from tests.spotted.reports.survey.ridge import CAMERAS, HARARE, MVULA, SITA, seen

BY_ID = {camera.camera_id: camera for camera in CAMERAS}


def test_the_scale_bar_measures_the_distance_between_cameras() -> None:
    drawn = draw_movements(SITA, BY_ID, HARARE)
    assert drawn
    at = {place.camera_id: (place.x, place.y) for place in drawn.places}
    # 3 km east and 4 km north are 5 km
    number, unit = drawn.bar_text.split()
    assert unit == "km"
    assert math.dist(at["A1"], at["A2"]) / drawn.bar * float(number) == pytest.approx(5.0)
    # north is up and east is right
    assert at["A2"][0] > at["A1"][0]
    assert at["A2"][1] < at["A1"][1]


def test_marks_and_arrows_follow_time() -> None:
    drawn = draw_movements(SITA, BY_ID, HARARE)
    assert drawn
    assert {place.camera_id: (place.mark, place.captures) for place in drawn.places} == {
        "A1": ("first", 1),
        "A2": ("last", 2),
    }
    (leg,) = drawn.legs
    first = next(place for place in drawn.places if place.mark == "first")
    assert leg.start == (first.x, first.y)
    assert not leg.too_fast
    assert drawn.alt == (
        "Map of Sita: seen at 2 cameras up to 5 km apart, first at A1 (6 Jun 2023), last at A2 (25 Jun 2023)."
    )


def test_a_journey_faster_than_the_survey_allows_is_marked() -> None:
    drawn = draw_movements(SITA, BY_ID, HARARE, limit_kmh=0.1)
    assert drawn
    assert [leg.too_fast for leg in drawn.legs] == [True]


def test_no_journey_leads_from_one_camera_of_a_station_to_the_other() -> None:
    first = BY_ID["A1"]
    pair = {"A1": replace(first, station="ford"), "A2": replace(first, camera_id="A2", station="ford")}
    pair["A2"] = replace(pair["A2"], y_m=(first.y_m or 0.0) + 500.0)
    drawn = draw_movements(SITA, pair, HARARE, limit_kmh=1e-9)
    assert drawn
    assert [leg.too_fast for leg in drawn.legs] == [False]


def test_the_map_is_the_same_anywhere_on_earth() -> None:
    moved = {
        one.camera_id: replace(one, x_m=one.x_m + 1e6, y_m=one.y_m - 2e6)
        for one in CAMERAS
        if one.x_m is not None and one.y_m is not None
    }
    assert draw_movements(SITA, moved, HARARE) == draw_movements(SITA, BY_ID, HARARE)


def test_a_camera_at_a_wrong_place_does_not_shrink_the_map() -> None:
    near = {f"N{n}": Camera(f"N{n}", 350_000.0 + 500.0 * n, 9_871_000.0) for n in range(8)}
    drawn = draw_movements(SITA, BY_ID | near, HARARE)
    assert drawn
    far = draw_movements(SITA, BY_ID | near | {"far": Camera("far", 0.0, 0.0)}, HARARE)
    assert far
    assert far.places == drawn.places


def test_an_individual_of_one_camera_is_in_the_middle_and_captures_without_place_are_counted() -> None:
    drawn = draw_movements(MVULA, BY_ID, HARARE)
    assert drawn
    (place,) = drawn.places
    assert (place.x, place.y, place.mark) == (WIDTH / 2, HEIGHT / 2, "both")
    assert drawn.unplaced == 1
    assert drawn.alt == "Map of Mvula: seen only at camera A1, 1 time."
    assert drawn.bar > 0
    alone = draw_movements(MVULA, {"A1": BY_ID["A1"]}, HARARE)
    assert alone
    assert (alone.bar, alone.bar_text) == (0.0, "")


def test_without_a_position_there_is_no_map() -> None:
    assert draw_movements(FoundIndividual("x", [seen("d", "A4", 1.0)]), BY_ID, HARARE) is None
