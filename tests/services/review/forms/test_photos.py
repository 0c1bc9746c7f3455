from __future__ import annotations

from datetime import UTC

import pytest

from services.review.forms.photos import box_form, file_name, photo_form
from spotted.survey import Detection, ImageBox


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("/data/secret camera/IMG 1.JPG", "IMG 1.JPG"),
        ("D:\\cams\\ford-03\\IMG_1.JPG", "IMG_1.JPG"),
        ("https://host.example/cam/IMG%201.JPG?token=abc", "IMG 1.JPG"),
        ("", ""),
    ],
)
def test_the_name_of_a_file_has_no_folder(uri: str, name: str) -> None:
    assert file_name(uri) == name
    assert photo_form(Detection("a", image_uri=uri), UTC)["file"] == name


def test_what_is_unknown_is_null_or_empty() -> None:
    form = photo_form(Detection("a"), UTC)
    assert (form["captured_at"], form["zone"], form["side"], form["box"], form["others"]) == (
        None,
        "",
        "unknown",
        None,
        [],
    )


def test_boxes_in_pixels_are_read_with_the_image() -> None:
    assert box_form(ImageBox(0.1, 0.2, 0.3, 0.4)) == {"x": 0.1, "y": 0.2, "width": 0.3, "height": 0.4}
    assert box_form(ImageBox(10, 20, 30, 40, in_pixels=True)) is None
    other = Detection("b", box=ImageBox(0.0, 0.0, 0.5, 0.5))
    shown = photo_form(Detection("a"), UTC, [other])["others"]
    assert shown == [{"detection_id": "b", "box": box_form(other.box)}]
