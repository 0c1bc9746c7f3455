from __future__ import annotations

import base64
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.rpc import checks
from spotted.errors import InvalidInputError
from spotted.messages import timestamp
from spotted.v1 import survey_pb2 as pb


@pytest.mark.parametrize("text", ["", "-x", "a b", "ä", "x" * 65, "a/b"])
def test_what_cannot_be_a_slug_is_named(text: str) -> None:
    with pytest.raises(InvalidInputError, match="survey_id is") as caught:
        checks.slug(text, "survey_id")
    assert caught.value.field == "survey_id"


@pytest.mark.parametrize("text", ["", "a\nb", "x" * 257])
def test_what_cannot_be_an_id_is_named(text: str) -> None:
    with pytest.raises(InvalidInputError, match="printable"):
        checks.identifier(text, "detection_id")


def test_an_id_may_be_any_printable_text() -> None:
    assert checks.identifier("Ngorongoro / løve 3", "detection_id") == "Ngorongoro / løve 3"
    assert checks.identifier("", "camera_id", required=False) == ""


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0])
def test_a_number_outside_its_limits_is_named(value: float) -> None:
    with pytest.raises(InvalidInputError, match="decay is"):
        checks.finite(value, "decay", least=0.0)


def test_an_id_sent_twice_is_named() -> None:
    with pytest.raises(InvalidInputError, match="'b' twice"):
        checks.unique(["a", "b", "b"], "cameras")


def test_a_camera_that_ends_before_it_starts_is_refused() -> None:
    message = pb.Camera(camera_id="c", start_time=timestamp(10.0), end_time=timestamp(5.0))
    with pytest.raises(InvalidInputError, match="camera 'c' ends before it starts"):
        checks.camera(message, "cameras[0]")


def test_a_camera_at_no_number_is_refused() -> None:
    message = pb.Camera(camera_id="c", position=pb.Position(x_m=math.nan))
    with pytest.raises(InvalidInputError, match="x_m is nan") as caught:
        checks.camera(message, "cameras[2]")
    assert caught.value.field == "cameras[2].position.x_m"


@given(count=st.integers(0, 50), size=st.integers(1, 20))
def test_pages_bring_every_item_once_and_in_order(count: int, size: int) -> None:
    items = list(range(count))
    seen: list[int] = []
    token = ""
    while True:
        some, token = checks.page(items, size, token, "survey")
        seen += some
        if not token:
            break
    assert seen == items


@pytest.mark.parametrize("token", ["x", "e30=", "WzEsMl0="])
def test_a_token_of_nothing_is_refused(token: str) -> None:
    with pytest.raises(InvalidInputError, match="start again"):
        checks.page([1, 2, 3], 1, token, "survey")


def test_a_token_of_another_list_is_refused() -> None:
    _, token = checks.page([1, 2, 3], 1, "", "survey a")
    with pytest.raises(InvalidInputError, match="page_token"):
        checks.page([1, 2, 3], 1, token, "survey b")


def test_a_page_size_has_a_default_and_a_largest() -> None:
    assert checks.page_size(0, default=100, largest=1000) == 100
    assert checks.page_size(5, default=100, largest=1000) == 5
    assert checks.page_size(5000, default=100, largest=1000) == 1000


def test_a_survey_id_may_stand_behind_its_organisation_and_both_are_slugs() -> None:
    assert checks.survey_id("kenya", "survey_id") == "kenya"
    assert checks.survey_id("wcs/kenya", "survey_id") == "wcs/kenya"
    for text in ("", "/", "/kenya", "wcs/", "a/b/c", "*/kenya", "a}:x/kenya"):
        with pytest.raises(InvalidInputError, match="survey_id is"):
            checks.survey_id(text, "survey_id")


def test_a_text_has_its_longest_length() -> None:
    assert checks.words("abc", "display_name", most=3) == "abc"
    with pytest.raises(InvalidInputError, match="display_name has 4 characters; use at most 3"):
        checks.words("abcd", "display_name", most=3)


def test_a_detection_that_is_not_stored_needs_no_id() -> None:
    assert checks.detection(pb.Detection(), "detection", stored=False).detection_id == ""
    with pytest.raises(InvalidInputError, match="detection_id"):
        checks.detection(pb.Detection(), "detection")


@pytest.mark.parametrize("start", [-1, 1 << 60, 10**100])
def test_a_token_that_was_made_by_hand_begins_at_no_impossible_place(start: int) -> None:
    with pytest.raises(InvalidInputError, match="page_token"):
        checks.page_start(checks.page_token(start, ("list",)), ("list",))


def test_a_token_nested_without_end_is_refused() -> None:
    token = base64.urlsafe_b64encode(b"[" * 100_000).decode()
    with pytest.raises(InvalidInputError, match="page_token"):
        checks.page_start(token, ("list",))


def detection(**fields: object) -> pb.Detection:
    return pb.Detection(detection_id="d", **fields)  # type: ignore[arg-type] # fields by name


@pytest.mark.parametrize(
    "fields",
    [
        {"pixels": pb.PixelBox(x=0, y=0, width=1, height=1)},
        {"pixels": pb.PixelBox(x=5000, y=0.5, width=900, height=4000)},
        {"fractions": pb.FractionBox(x=0, y=0, width=1, height=1)},
        # three decimals
        {"fractions": pb.FractionBox(x=0.667, y=0.334, width=0.334, height=0.667)},
    ],
)
def test_a_box_inside_its_image_is_accepted(fields: dict[str, object]) -> None:
    assert checks.detection(detection(**fields), "detection").box


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"pixels": pb.PixelBox(x=-1, y=0, width=1, height=1)}, "detection.pixels.x"),
        ({"pixels": pb.PixelBox(x=0, y=0, width=0, height=1)}, "detection.pixels.width"),
        ({"pixels": pb.PixelBox(x=0, y=0, width=1, height=math.nan)}, "detection.pixels.height"),
        ({"pixels": pb.PixelBox()}, "detection.pixels.width"),
        ({"fractions": pb.FractionBox(x=0, y=0.5, width=1, height=0.6)}, "detection.fractions.height"),
        ({"fractions": pb.FractionBox(x=10, y=20, width=300, height=200)}, "detection.fractions.x"),
        ({"species": "a\nb"}, "detection.species"),
    ],
)
def test_a_box_without_area_or_beyond_its_image_is_refused(fields: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        checks.detection(detection(**fields), "detection")
    assert caught.value.field == field


@pytest.mark.parametrize("zone", ["", "UTC", "Africa/Harare", "America/Argentina/Buenos_Aires"])
def test_a_time_zone_of_the_database_is_accepted(zone: str) -> None:
    assert checks.time_zone(zone, "survey.time_zone") == zone


@pytest.mark.parametrize("zone", ["+02:00", "Harare", "../../etc/passwd", "Africa", "a\0b", "x" * 1000])
def test_another_text_is_no_time_zone(zone: str) -> None:
    with pytest.raises(InvalidInputError, match=r"IANA database, e\.g\. Africa/Harare"):
        checks.time_zone(zone, "survey.time_zone")


@pytest.mark.parametrize(
    ("part", "value"), [("latitude_deg", 90.1), ("latitude_deg", math.nan), ("longitude_deg", -180.5)]
)
def test_degrees_outside_the_earth_are_refused(part: str, value: float) -> None:
    camera = pb.Camera(camera_id="c")
    setattr(camera.geo_position, part, value)
    with pytest.raises(InvalidInputError) as caught:
        checks.camera(camera, "cameras[0]")
    assert caught.value.field == f"cameras[0].geo_position.{part}"


def test_metres_beside_degrees_are_ignored() -> None:
    camera = pb.Camera(camera_id="c", position=pb.Position(x_m=5.0, y_m=6.0))
    camera.geo_position.latitude_deg = -24.0
    decoded = checks.camera(camera, "cameras[0]")
    assert (decoded.x_m, decoded.y_m, decoded.latitude_deg, decoded.longitude_deg) == (None, None, -24.0, 0.0)
