from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spotted.arrays import ByteArray
from spotted.boxes.cropping import Box, Colour, FractionBox, PixelBox
from spotted.errors import UnreadableImageError
from tests.spotted.boxes.drawn_coat import cropped, drawn_coat

WHITE = (255, 255, 255)


@pytest.fixture(scope="module")
def drawing() -> ByteArray:
    return drawn_coat()


def test_a_pixel_box_is_a_slice(drawing: ByteArray) -> None:
    assert np.array_equal(cropped(drawing, PixelBox(10, 20, 30, 40)), drawing[20:60, 10:40])


def test_a_fraction_box_is_the_pixel_box_of_its_size(drawing: ByteArray) -> None:
    fractions = FractionBox(0.1, 0.3, 0.25, 0.5)
    assert np.array_equal(cropped(drawing, fractions), cropped(drawing, PixelBox(40, 90, 100, 150)))


@pytest.mark.parametrize(
    ("box", "rows", "columns"),
    [
        (PixelBox(-10, -20, 30, 40), slice(0, 20), slice(0, 20)),
        (PixelBox(390, 290, 100, 100), slice(290, 300), slice(390, 400)),
        (FractionBox(0.5, 0.5, 1.0, 1.0), slice(150, 300), slice(200, 400)),
        (PixelBox(-1e308, 0, 1.7e308, 10), slice(0, 10), slice(0, 400)),
        (PixelBox(399.9, 299.9, 0.01, 0.01), slice(299, 300), slice(399, 400)),
    ],
)
def test_a_box_partly_outside_is_clipped(drawing: ByteArray, box: Box, rows: slice, columns: slice) -> None:
    assert np.array_equal(cropped(drawing, box), drawing[rows, columns])


@pytest.mark.parametrize(
    ("box", "message"),
    [
        (PixelBox(10, 10, 0, 5), "PixelBox.*width=0.*no area"),
        (FractionBox(0.1, 0.1, 0.2, -0.1), "FractionBox.*height=-0.1.*no area"),
        (PixelBox(math.nan, 0, 1, 1), "x=nan.*not finite"),
        (FractionBox(0, 0, math.inf, 1), "width=inf.*not finite"),
        (PixelBox(400, 0, 10, 10), "x=400.*outside the image of 400 x 300"),
        (PixelBox(-20, 0, 20, 10), "x=-20.*outside"),
        (FractionBox(0, 1.0, 0.5, 0.5), "y=1.0.*outside"),
        (FractionBox(12, 30, 200, 100), "width=200.*send pixels as a PixelBox"),
    ],
)
def test_a_box_without_pixels_is_refused_with_its_numbers(drawing: ByteArray, box: Box, message: str) -> None:
    with pytest.raises(UnreadableImageError, match=message):
        cropped(drawing, box)


@settings(max_examples=300, deadline=None)
@given(
    x=st.floats(-50, 50),
    y=st.floats(-50, 50),
    width=st.floats(0, 50, exclude_min=True),
    height=st.floats(1e-9, 50),
)
def test_every_box_that_touches_the_image_holds_a_pixel(
    x: float, y: float, width: float, height: float
) -> None:
    image = np.zeros((20, 30, 3), dtype=np.uint8)
    touches = x < 30 and y < 20 and x + width > 0 and y + height > 0
    if touches:
        part = cropped(image, PixelBox(x, y, width, height))
        assert part.size
        assert abs(part.shape[1] - (min(30, x + width) - max(0, x))) <= 1.0
    else:
        with pytest.raises(UnreadableImageError):
            cropped(image, PixelBox(x, y, width, height))


def plainly_turned(image: ByteArray, box: PixelBox, theta: float, fill: Colour) -> ByteArray:
    """Each pixel of the turned crop by bilinear interpolation, in a loop."""
    height, width = image.shape[:2]
    wide, high = round(box.width), round(box.height)
    found = np.empty((high, wide, 3))
    for row in range(high):
        for column in range(wide):
            across, along = column + 0.5 - wide / 2, row + 0.5 - high / 2
            x = box.x + box.width / 2 + across * math.cos(theta) - along * math.sin(theta)
            y = box.y + box.height / 2 + across * math.sin(theta) + along * math.cos(theta)
            if not (0 <= x < width and 0 <= y < height):
                found[row, column] = fill
                continue
            left, top = math.floor(x - 0.5), math.floor(y - 0.5)
            right_share, lower_share = x - 0.5 - left, y - 0.5 - top
            columns = np.clip([left, left + 1], 0, width - 1)
            rows = np.clip([top, top + 1], 0, height - 1)
            corners = image[np.ix_(rows, columns)].astype(float)
            lines = corners[:, 0] * (1 - right_share) + corners[:, 1] * right_share
            found[row, column] = lines[0] * (1 - lower_share) + lines[1] * lower_share
    return found.round().astype(np.uint8)


def largest_difference(one: ByteArray, other: ByteArray) -> int:
    """In levels; Pillow truncates after it interpolates, so that a difference of 1 counts as equal."""
    return int(np.abs(one.astype(int) - other).max())


@pytest.mark.parametrize("theta", [0.1, -0.4, 1.0, 2.5, -3.0])
@pytest.mark.parametrize(
    "box", [PixelBox(150, 120, 60, 40), PixelBox(101.3, 77.7, 33, 50), PixelBox(-15, 270, 60, 45)]
)
def test_a_turned_box_is_the_plain_loop(drawing: ByteArray, box: PixelBox, theta: float) -> None:
    expected = plainly_turned(drawing, box, theta, WHITE)
    assert largest_difference(cropped(drawing, box, theta, WHITE), expected) <= 1


def test_a_quarter_turn_is_clockwise_on_the_screen(drawing: ByteArray) -> None:
    # the box as drawn is turned clockwise, so that its upper edge is the right one of the upright square
    square = PixelBox(100, 80, 64, 64)
    turned = cropped(drawing, square, math.pi / 2)
    assert largest_difference(turned, np.rot90(cropped(drawing, square))) <= 1


def test_a_half_turn_is_upside_down(drawing: ByteArray) -> None:
    box = PixelBox(100, 80, 60, 40)
    assert largest_difference(cropped(drawing, box, math.pi), cropped(drawing, box)[::-1, ::-1]) <= 1


@pytest.mark.parametrize("theta", [0.0999, -0.0999, 1e-9])
def test_a_turn_below_a_tenth_is_none_as_in_wildbook(drawing: ByteArray, theta: float) -> None:
    box = PixelBox(100, 80, 60, 40)
    assert np.array_equal(cropped(drawing, box, theta), cropped(drawing, box))


def test_a_turned_box_keeps_its_size_and_what_is_outside_is_filled(drawing: ByteArray) -> None:
    found = cropped(drawing, PixelBox(-40, -30, 80, 60), math.pi / 4, WHITE)
    assert found.shape == (60, 80, 3)
    assert (found[:, 0] == 255).all()


def test_only_the_pixels_around_a_turned_box_count(drawing: ByteArray) -> None:
    box, theta = PixelBox(180, 130, 40, 30), 0.7
    elsewhere = np.zeros_like(drawing)
    elsewhere[110:180, 160:240] = drawing[110:180, 160:240]
    assert np.array_equal(cropped(elsewhere, box, theta), cropped(drawing, box, theta))


def test_fractions_of_a_turned_box_are_of_the_whole_image(drawing: ByteArray) -> None:
    expected = cropped(drawing, PixelBox(40, 90, 100, 150), 0.5)
    assert np.array_equal(cropped(drawing, FractionBox(0.1, 0.3, 0.25, 0.5), 0.5), expected)


def test_a_huge_turned_box_is_reduced_before_it_is_turned() -> None:
    ramp = (np.arange(4200) // 20).astype(np.uint8)
    image = np.zeros((4200, 4200, 3), dtype=np.uint8)
    image[:, :, 0], image[:, :, 1] = ramp, ramp[:, None]
    found = cropped(image, PixelBox(40, 60, 4100, 4000), 0.5)
    assert found.shape == (2000, 2050, 3)
    halved = cropped(image[::2, ::2], PixelBox(20, 30, 2050, 2000), 0.5)
    inside = (slice(700, 1300), slice(700, 1400))
    # the mean of four pixels against one of them, both truncated
    assert largest_difference(found[inside], halved[inside]) <= 2


@pytest.mark.parametrize("theta", [math.nan, math.inf, -math.inf])
def test_a_turn_that_is_not_finite_is_refused(drawing: ByteArray, theta: float) -> None:
    with pytest.raises(UnreadableImageError, match=r"theta .* is not finite"):
        cropped(drawing, PixelBox(0, 0, 10, 10), theta)


@pytest.mark.parametrize(
    "box", [PixelBox(-200, -200, 900, 900), PixelBox(0, 0, 1e300, 1e-300), PixelBox(0, 0, 1e308, 1e308)]
)
def test_a_turned_box_far_larger_than_the_image_is_refused(drawing: ByteArray, box: Box) -> None:
    with pytest.raises(UnreadableImageError, match=r"covers more than 1.25 times the image of 400 x 300"):
        cropped(drawing, box, 0.5)


@pytest.mark.parametrize(
    "box", [PixelBox(405, -45, 40, 40), PixelBox(-1e308, 0, 10, 10), PixelBox(190, 330, 20, 20)]
)
def test_a_turned_box_beside_the_image_is_refused(drawing: ByteArray, box: Box) -> None:
    with pytest.raises(UnreadableImageError, match="outside the image of 400 x 300"):
        cropped(drawing, box, math.pi / 4)


@settings(max_examples=200, deadline=None)
@given(
    x=st.floats(-40, 40),
    y=st.floats(-40, 40),
    width=st.floats(1e-3, 25),
    height=st.floats(1e-3, 25),
    theta=st.floats(-10, 10).filter(lambda theta: abs(theta) >= 0.1),
)
def test_every_turned_box_has_its_size_or_lies_outside(
    x: float, y: float, width: float, height: float, theta: float
) -> None:
    image = np.full((20, 30, 3), 200, dtype=np.uint8)
    try:
        found = cropped(image, PixelBox(x, y, width, height), theta)
    except UnreadableImageError:
        assert not (0 < x + width / 2 < 30 and 0 < y + height / 2 < 20)
        return
    assert found.shape == (max(round(height), 1), max(round(width), 1), 3)
    assert set(np.unique(found)) <= {0, 200}
