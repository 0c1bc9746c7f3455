from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from services.review.images.rendering import Pixels
from services.review.images.strips import strip_heights, without_strips

WIDTH, HEIGHT = 800, 600
TEXT = "04-02-2026 05:12:44  M 3/5  18 C  CAM07  HYPERFIRE"


def scene(seed: int, brightness: int = 110) -> Pixels:
    """Grass and shade without a strip."""
    rng = np.random.default_rng(seed)
    soft = Image.fromarray(rng.integers(0, 2 * brightness, (30, 40, 3), dtype=np.uint8)).resize(
        (WIDTH, HEIGHT)
    )
    grain = rng.integers(-12, 13, (HEIGHT, WIDTH, 1))
    return np.clip(np.asarray(soft, int) + grain, 0, 255).astype(np.uint8)


def printed(image: Pixels, height: int, colour: int, ink: int, *, top: bool = False) -> Pixels:
    """The photograph with a strip with writing."""
    drawn = Image.fromarray(image)
    draw = ImageDraw.Draw(drawn)
    first = 0 if top else HEIGHT - height
    draw.rectangle((0, first, WIDTH, first + height - 1), fill=(colour,) * 3)
    draw.text((10, first + 2), TEXT, fill=(ink,) * 3, font_size=height * 0.7)
    return np.asarray(drawn)


@pytest.mark.parametrize(
    ("height", "colour", "ink"), [(12, 0, 255), (30, 0, 255), (40, 255, 0), (60, 90, 255)]
)
@pytest.mark.parametrize("top", [True, False])
def test_a_strip_is_found_to_the_row_and_loses_its_writing(
    *, height: int, colour: int, ink: int, top: bool
) -> None:
    image = printed(scene(1), height, colour, ink, top=top)
    assert strip_heights(image) == ((height, 0) if top else (0, height))
    plain = without_strips(image)
    rows, others = (slice(0, height), slice(height, None)) if top else (slice(-height, None), slice(-height))
    assert (plain[rows] == colour).all()
    assert (plain[others] == image[others]).all()


def test_strips_at_both_edges_are_found_also_if_the_jpeg_was_blurred() -> None:
    image = printed(printed(scene(2), 24, 0, 255), 20, 0, 255, top=True)
    noisy = np.clip(image.astype(int) + np.random.default_rng(0).integers(-6, 7, image.shape), 0, 255)
    assert strip_heights(noisy.astype(np.uint8)) == (20, 24)


@pytest.mark.parametrize("brightness", [6, 40, 110])
def test_a_photograph_without_a_strip_stays_as_it_is(brightness: int) -> None:
    for seed in range(5):
        image = scene(seed, brightness)
        assert strip_heights(image) == (0, 0)
        assert without_strips(image) is image


def test_a_dark_ground_a_plain_picture_and_a_tiny_one_have_no_strip() -> None:
    night = scene(3)
    night[-50:] = 4
    assert strip_heights(night) == (0, 0), "nothing is written there"
    assert strip_heights(np.full((HEIGHT, WIDTH, 3), 80, np.uint8)) == (0, 0)
    assert strip_heights(np.zeros((1, 1, 3), np.uint8)) == (0, 0)
    assert strip_heights(np.zeros((9, 700, 3), np.uint8)) == (0, 0)
