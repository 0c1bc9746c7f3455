from __future__ import annotations

import colorsys
from dataclasses import replace

import numpy as np
import pytest

from spotted.arrays import ByteArray
from spotted.training.images.augmentation import (
    Augmentation,
    SmallCrop,
    as_is,
    equalise,
    sharpen,
    small_size,
    turn_hue,
)
from tests.spotted.training.coats import coat_crops

NOTHING = Augmentation(geometry=0.0, colour=0.0, sharpening=0.0, clahe=0.0)
IMAGE = coat_crops(1, 1, size=64, seed=2)[0][0]


def changed(augmentation: Augmentation, seed: int = 0, image: ByteArray = IMAGE) -> ByteArray:
    return augmentation(image, np.random.default_rng(seed))


def test_without_a_change_the_crop_stays() -> None:
    assert np.array_equal(changed(NOTHING), IMAGE)
    assert as_is(IMAGE, np.random.default_rng(0)) is IMAGE


@pytest.mark.parametrize("name", ["geometry", "colour", "sharpening", "clahe"])
def test_each_change_is_drawn_by_itself(name: str) -> None:
    always, never = (replace(NOTHING, **{name: share}) for share in (1.0, 0.0))
    assert not np.array_equal(changed(always), IMAGE)
    assert np.array_equal(changed(always), changed(always))
    assert np.array_equal(changed(never), IMAGE)
    often = [not np.array_equal(changed(replace(NOTHING, **{name: 0.3}), seed), IMAGE) for seed in range(200)]
    assert 0.2 < np.mean(often) < 0.4


def test_no_crop_becomes_its_mirror_image() -> None:
    """A corner that is marked stays nearest to itself, however the crop is moved."""
    image = np.zeros((64, 64, 3), dtype=np.uint8)
    image[20:30, 12:22], image[20:30, 42:52, 0] = 255, 255
    for seed in range(100):
        found = changed(replace(NOTHING, geometry=1.0, shift=0.05), seed, image).astype(int)
        white, red = (np.argwhere(mask).mean(axis=0) for mask in (found[:, :, 1] > 128, _red(found)))
        assert white[1] < red[1]


def _red(image: np.ndarray) -> np.ndarray:
    return (image[:, :, 0] > 128) & (image[:, :, 1] < 64)


def test_a_shift_moves_the_pixels_by_at_most_its_share() -> None:
    image = np.zeros((65, 65, 3), dtype=np.uint8)
    image[30:35, 30:35] = 255
    moves = Augmentation(
        geometry=1.0, shift=0.25, scale=0.0, rotation_deg=0.0, colour=0, sharpening=0, clahe=0
    )
    offsets = []
    for seed in range(50):
        found = changed(moves, seed, image)[:, :, 0].astype(float)
        down, right = np.average(np.indices(found.shape).reshape(2, -1), axis=1, weights=found.ravel())
        offsets.append((down - 32, right - 32))
    assert np.abs(offsets).max() <= 0.25 * 65 + 0.1
    assert np.abs(offsets).max() > 0.2 * 65


def test_a_turned_hue_is_that_of_colorsys() -> None:
    found = turn_hue(np.full((2, 2, 3), (200, 40, 40), dtype=np.uint8), 60.0)[0, 0]
    hue, lightness, saturation = colorsys.rgb_to_hls(200, 40, 40)
    expected = colorsys.hls_to_rgb(hue + 60 / 360, lightness, saturation)
    np.testing.assert_allclose(found, expected, atol=3)


def test_grey_stays_grey_in_every_colour_change() -> None:
    grey = np.repeat(np.arange(64, dtype=np.uint8)[None, :, None] * 3, 64, axis=0).repeat(3, axis=2)
    found = changed(replace(NOTHING, colour=1.0), 4, grey).astype(int)
    assert np.abs(found - found[:, :, :1]).max() <= 1


def test_sharpening_spreads_an_edge_and_keeps_flat_areas() -> None:
    image = np.full((16, 16, 3), 60, dtype=np.uint8)
    image[:, 8:] = 180
    found = sharpen(image, 1.0)
    assert np.array_equal(found[:, [0, 15]], image[:, [0, 15]])
    assert found[8, 7, 0] < 60
    assert found[8, 8, 0] > 180


def test_equalising_lifts_the_contrast_of_a_dull_crop() -> None:
    dull = (IMAGE // 8 + 100).astype(np.uint8)
    assert equalise(dull).std() > 1.5 * dull.std()


def test_a_small_crop_is_a_part_of_the_stated_share() -> None:
    rows, columns = np.mgrid[0:100, 0:100]
    places = np.stack([rows, columns, np.zeros_like(rows)], axis=2).astype(np.uint8)
    view = SmallCrop(25, NOTHING, least_share=0.0625, most_share=0.25)
    edges = []
    for seed in range(30):
        small = view(places, np.random.default_rng(seed)).astype(int)
        assert small.shape == (25, 25, 3)
        # rows and columns that it spans
        spans = small[-1, -1, :2] - small[0, 0, :2]
        assert abs(spans[0] - spans[1]) <= 2
        edges.append(int(spans[0]) + 1)
    assert 22 <= min(edges) < 30
    assert 40 < max(edges) <= 51


def test_small_crops_have_whole_patches() -> None:
    assert [small_size(size) % 16 for size in (32, 64, 96, 224, 256)] == [0] * 5
