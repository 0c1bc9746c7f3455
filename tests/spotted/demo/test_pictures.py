from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from spotted.demo import pictures
from spotted.demo.pictures import HEIGHT, WIDTH, Drawn, draw
from spotted.simulation.survey import Shot
from spotted.survey import Detection, Side


def shot(animal: int = 1, side: Side = Side.LEFT, image_id: str = "i", *, infrared: bool = False) -> Shot:
    detection = Detection("d", camera_id="CAM01", image_id=image_id, side=side)
    return Shot(detection, animal, infrared)


def pixels(drawn: Drawn) -> np.ndarray:
    with Image.open(io.BytesIO(drawn.content)) as image:
        return np.asarray(image.convert("RGB"), dtype=np.float64)


def coat(animal: int, side: Side) -> np.ndarray:
    """The animal alone, in its canonical pose, the head to the right."""
    drawn = pictures._animal(shot(animal, side), 0, np.random.default_rng(0))
    image = drawn if side is Side.RIGHT else drawn.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return np.asarray(image, dtype=np.float64)


def test_equal_shots_give_equal_bytes() -> None:
    assert draw([shot()], seed=1) == draw([shot()], seed=1)
    assert draw([shot()], seed=1) != draw([shot()], seed=2)


def test_a_picture_is_a_jpeg_of_the_stated_size() -> None:
    assert pixels(draw([shot()], seed=1)).shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("count", [1, 2])
def test_boxes_lie_inside_the_picture_one_for_each_animal(count: int) -> None:
    for number in range(20):
        drawn = draw([shot(animal, image_id=str(number)) for animal in range(count)], seed=3)
        assert len(drawn.boxes) == count
        for x, y, width, height in drawn.boxes:
            assert min(x, y) >= 0
            assert min(width, height) > 0.05
            assert max(x + width, y + height) <= 1 + 1e-9


def test_infrared_is_grey_and_day_is_not() -> None:
    grey, day = pixels(draw([shot(infrared=True)], seed=1)), pixels(draw([shot()], seed=1))
    assert np.ptp(grey, axis=2).mean() < 3 < np.ptp(day, axis=2).mean()


def test_the_two_flanks_of_an_animal_and_two_animals_differ_and_one_flank_stays() -> None:
    left = coat(1, Side.LEFT)
    assert np.abs(left - coat(1, Side.LEFT)).max() == 0
    assert np.abs(left - coat(1, Side.RIGHT)).mean() > 1
    assert np.abs(left - coat(2, Side.LEFT)).mean() > 1


def test_a_camera_keeps_its_vegetation() -> None:
    first = pixels(draw([shot(image_id="a")], seed=1))
    second = pixels(draw([shot(image_id="b")], seed=1))
    other_camera = replace(shot(image_id="a").detection, camera_id="CAM02")
    third = pixels(draw([Shot(other_camera, 1, infrared=False)], seed=1))
    sky = (slice(0, 20), slice(0, 20))
    brightness = [picture[sky] / picture[sky].mean() for picture in (first, second, third)]
    assert np.abs(brightness[0].mean((0, 1)) - brightness[1].mean((0, 1))).max() < 0.02
    assert np.abs(first - third).mean() > 5
