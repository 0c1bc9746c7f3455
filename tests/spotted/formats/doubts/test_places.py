from __future__ import annotations

import math

import pytest

from spotted.formats.doubts.places import likely_mistake, place_notes
from spotted.survey import Camera, Survey

OTHERS = [(-24.5, 31.5), (-24.52, 31.52), (-24.6, 31.58)]


@pytest.mark.parametrize(
    ("position", "mistake"),
    [
        ((31.54, -24.54), "latitude and longitude are swapped"),
        ((24.54, 31.54), "the latitude lacks or has a minus sign"),
        ((-24.54, -31.54), "the longitude lacks or has a minus sign"),
        ((24.54, -31.54), "latitude and longitude lack or have minus signs"),
        ((31.54, 24.54), "latitude and longitude are swapped and the latitude lacks or has a minus sign"),
        ((-31.54, -24.54), "latitude and longitude are swapped and the longitude lacks or has a minus sign"),
        ((52.1, 4.3), ""),
        ((0.1, 0.0), ""),
    ],
)
def test_the_mistake_that_explains_a_position_is_named(position: tuple[float, float], mistake: str) -> None:
    assert likely_mistake(position, OTHERS) == mistake


def test_without_others_nothing_is_explained() -> None:
    assert likely_mistake((1.0, 2.0), []) == ""


def test_only_cameras_far_from_all_others_are_named_in_degrees_or_metres() -> None:
    cameras = {i: Camera(i, x, 0.0) for i, x in (("a", 0.0), ("b", 500.0), ("c", 5_400_000.0))}
    survey = Survey("s", 0.0, 1.0, cameras=cameras)
    (metres,) = place_notes(survey, {})
    assert metres.startswith(
        "camera 'c' lies 5,400 km from all others (x 5.4e+06 m, y 0 m); it does not count"
    )
    (degrees,) = place_notes(survey, {"a": OTHERS[0], "b": OTHERS[1], "c": (24.54, 31.54)})
    assert "it would fit if the latitude lacks or has a minus sign, correct it and import again" in degrees
    assert math.isfinite(survey.extent().distance_m)
    near = {i: c for i, c in cameras.items() if i != "c"}
    assert not list(place_notes(Survey("s", 0.0, 1.0, cameras=near), {}))
