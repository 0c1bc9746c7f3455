from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from services.common.memory import MIB
from services.embedder.detection.detectors import load_detector
from services.embedder.detection.image_detector import ImageDetector
from services.embedder.inference.decoding_budget import DecodingBudget
from spotted.errors import InvalidInputError, SpottedError, UnreadableImageError
from spotted.formats.detectors import FoundAnimals
from tests.services.embedder.detection.drawn_networks import network, squares, write_detector
from tests.services.embedder.pictures import encoded

LION = (0.25, 0.25, 0.25, 0.5)
# upright it is as wide as high after the turn to the left
TURNED = 6


def detected(
    directory: Path, *files: bytes, budget_mib: int = 192
) -> tuple[list[FoundAnimals | SpottedError], int]:
    """What is in each file, and the memory for decoding that is held at the end."""

    async def run() -> tuple[list[FoundAnimals | SpottedError], int]:
        budget = DecodingBudget(budget_mib * MIB)
        images = ImageDetector(load_detector(directory), workers=2, budget=budget)
        found = await asyncio.gather(*map(images.detect, files), return_exceptions=True)
        await images.close()
        await asyncio.sleep(0)
        return [one for one in found if isinstance(one, FoundAnimals | SpottedError)], budget.used_bytes

    return asyncio.run(run())


def test_each_file_gets_its_own_boxes_and_a_wrong_one_its_reason(tmp_path: Path) -> None:
    directory = write_detector(tmp_path, "yolov8")
    files = [encoded(squares(64, 48, (channel, LION))) for channel in range(3)] * 4
    found, held = detected(directory, *files, files[0][:60], b"no image")
    categories = [one.boxes[0].category for one in found[:12] if isinstance(one, FoundAnimals)]
    assert categories == [0, 1, 2] * 4
    assert all(isinstance(one, UnreadableImageError) for one in found[12:])
    assert held == 0


def test_boxes_are_of_the_upright_photograph(tmp_path: Path) -> None:
    upright = squares(48, 64, (0, LION))
    exif = Image.Exif()
    exif[0x0112] = TURNED
    stored = np.rot90(upright)
    (found,), _ = detected(write_detector(tmp_path, "yolov8"), encoded(stored, exif=exif.tobytes()))
    assert isinstance(found, FoundAnimals)
    np.testing.assert_allclose(found.boxes[0].box, LION, atol=0.03)


def test_a_photograph_beyond_the_memory_is_refused_by_itself(tmp_path: Path) -> None:
    small, large = encoded(squares(64, 48, (0, LION))), encoded(np.zeros((3000, 3000, 3), dtype=np.uint8))
    found, _ = detected(write_detector(tmp_path, "yolov8"), small, large, budget_mib=64)
    assert isinstance(found[0], FoundAnimals)
    with pytest.raises(UnreadableImageError, match="raise the memory limit"):
        raise found[1] if isinstance(found[1], SpottedError) else AssertionError


def test_a_wrong_manifest_is_no_fault_of_a_photograph(tmp_path: Path) -> None:
    directory = write_detector(tmp_path, "yolov8", network("end-to-end"))
    (found,), _ = detected(directory, encoded(squares(64, 48)))
    assert isinstance(found, InvalidInputError)
    assert not isinstance(found, UnreadableImageError)
