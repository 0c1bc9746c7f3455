from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotted.formats.pixel_boxes import read_pixel_box
from spotted.formats.problems import Problems
from spotted.formats.row import Row
from tests.spotted.published_tree import tiny_jpeg

WIDE, HIGH = 200, 100


def row(text: str) -> Row:
    return Row("t.csv", 2, {"bbox": text}, Problems())


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("images") / "a.jpg"
    path.write_bytes(tiny_jpeg(0, size=(WIDE, HIGH)))
    return path


@given(
    x=st.integers(-50, WIDE - 1),
    y=st.integers(-50, HIGH - 1),
    width=st.integers(51, 400),
    height=st.integers(51, 400),
)
def test_a_box_covers_the_pixels_that_it_names_within_the_image(
    image: Path, x: int, y: int, width: int, height: int
) -> None:
    box = read_pixel_box(row(f"[{x}, {y}, {width}, {height}]"), "bbox", image)
    assert box is not None
    left, top, wide, high = box
    columns = [c for c in range(WIDE) if x <= c < x + width]
    rows = [r for r in range(HIGH) if y <= r < y + height]
    assert (left * WIDE, top * HIGH) == pytest.approx((columns[0], rows[0]))
    assert (wide * WIDE, high * HIGH) == pytest.approx((len(columns), len(rows)))


def test_pixels_count_on_the_image_as_it_is_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "turned.jpg"
    # 6: the camera was turned, so 200 x 100 stored pixels show 100 x 200
    path.write_bytes(tiny_jpeg(0, size=(WIDE, HIGH), orientation=6))
    assert read_pixel_box(row("[50, 0, 50, 200]"), "bbox", path) == (0.5, 0.0, 0.5, 1.0)


@pytest.mark.parametrize("text", ["", "[NaN, NaN, NaN, NaN]"])
def test_no_box_is_no_problem(image: Path, text: str) -> None:
    without = row(text)
    assert read_pixel_box(without, "bbox", image) is None
    without.problems.raise_any()


def test_without_the_image_there_is_no_box(tmp_path: Path) -> None:
    assert read_pixel_box(row("[0, 0, 9, 9]"), "bbox", tmp_path / "nowhere.jpg") is None
    assert read_pixel_box(row("[0, 0, 9, 9]"), "bbox", None) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("10 20 30 40", "is not a box"),
        ("[1, 2, 3]", "is not a box"),
        ('{"x": 1}', "is not a box"),
        ("7", "is not a box"),
        ("[1, 2, NaN, 4]", "not finite"),
        ("[1, 2, Infinity, 4]", "not finite"),
        ("[300, 0, 10, 10]", "contains no pixel of its image of 200 x 100"),
        ("[0, 0, 0, 10]", "contains no pixel"),
        ("[50, 50, -10, 10]", "contains no pixel"),
    ],
)
def test_a_wrong_box_is_noted_with_the_remedy(image: Path, text: str, words: str) -> None:
    wrong = row(text)
    assert read_pixel_box(wrong, "bbox", image) is None
    assert words in wrong.problems.shown[0]
    assert "x, y, width, height in pixels" in wrong.problems.shown[0]


def test_a_box_of_a_file_that_is_no_image_is_noted(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"no image")
    wrong = row("[0, 0, 9, 9]")
    assert read_pixel_box(wrong, "bbox", path) is None
    assert "cannot be read" in wrong.problems.shown[0]
