from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spotted.boxes.cropping import FractionBox, PixelBox
from spotted.errors import InvalidInputError
from spotted.training.images.crops import crops_digest, prepare_crops, read_crop
from spotted.training.photographs.photograph import Photograph


@pytest.fixture
def photograph(tmp_path: Path) -> Photograph:
    """A lossless photograph with another colour in each pixel."""
    pixels = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    return Photograph("a", tmp_path / "a.png", PixelBox(10, 20, 30, 30))


def test_a_crop_of_its_own_size_is_the_box(photograph: Photograph) -> None:
    pixels = np.asarray(Image.open(photograph.path))
    assert np.array_equal(read_crop(photograph, 30), pixels[20:50, 10:40])
    fractions = replace(photograph, box=FractionBox(10 / 90, 20 / 60, 30 / 90, 0.5))
    assert np.array_equal(read_crop(fractions, 30), pixels[20:50, 10:40])


def test_a_quarter_turn_turns_the_box(photograph: Photograph) -> None:
    pixels = np.asarray(Image.open(photograph.path))
    found = read_crop(replace(photograph, theta=np.pi / 2), 30).astype(int)
    assert np.abs(found - np.rot90(pixels[20:50, 10:40])).mean() < 1


def test_crops_are_made_once_and_again_when_a_box_or_file_changes(
    photograph: Photograph, tmp_path: Path
) -> None:
    made: list[int] = []
    whole = replace(photograph, box=None)
    path = tmp_path / "run" / "crops.npy"
    first = prepare_crops([photograph, whole], 30, path, on_progress=made.append)
    assert np.array_equal(first.crops[0], read_crop(photograph, 30))
    assert first.crops.shape == (2, 30, 30, 3)
    prepare_crops([photograph, whole], 30, path, on_progress=made.append)
    assert sum(made) == 2
    moved = replace(photograph, box=PixelBox(0, 0, 30, 30))
    second = prepare_crops([moved, whole], 30, path, on_progress=made.append)
    assert sum(made) == 4
    assert np.array_equal(second.crops[0], read_crop(moved, 30))
    before = crops_digest([photograph], 30)
    os.utime(photograph.path, ns=(0, 1))
    assert crops_digest([photograph], 30) != before


def test_photographs_that_cannot_be_used_are_named(photograph: Photograph, tmp_path: Path) -> None:
    (tmp_path / "b.jpg").write_bytes(b"no photograph")
    broken = Photograph("b", tmp_path / "b.jpg")
    outside = replace(photograph, box=PixelBox(500, 0, 10, 10))
    gone = Photograph("c", tmp_path / "c.jpg")
    for _ in range(2):
        found = prepare_crops([broken, photograph, outside, gone], 8, tmp_path / "crops.npy")
        assert sorted(found.failed) == [0, 2, 3]
        assert "b.jpg" in found.failed[0]
        assert "lies outside the image" in found.failed[2]
        assert not found.crops[0].any()
    with pytest.raises(InvalidInputError, match=r"none of the 1 photographs can be used: .*c\.jpg"):
        prepare_crops([gone], 8, tmp_path / "none.npy")
