from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from services.common.memory import MIB
from services.embedder.detection.detectors import load_detector
from services.embedder.detection.image_detector import ImageDetector
from services.embedder.detection.lines import detect_lines, read_paths
from services.embedder.inference.decoding_budget import DecodingBudget
from spotted.errors import InvalidInputError
from tests.services.embedder.detection.drawn_networks import network, squares, write_detector
from tests.services.embedder.pictures import encoded

LION = (0.25, 0.25, 0.25, 0.5)


def lines(directory: Path, paths: list[Path], together: int) -> dict[int, dict[str, object]]:
    """The lines of a run by the index of their photograph."""

    async def run() -> list[dict[str, object]]:
        images = ImageDetector(load_detector(directory), workers=2, budget=DecodingBudget(192 * MIB))
        try:
            return [json.loads(line) async for line in detect_lines(images, paths, together=together)]
        finally:
            await images.close()

    found = asyncio.run(run())
    by_index = {int(str(one.pop("index"))): one for one in found}
    assert len(by_index) == len(found)
    return by_index


@pytest.mark.parametrize("together", [1, 3, 50])
def test_each_photograph_has_one_line(tmp_path: Path, together: int) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(12)]
    for number, path in enumerate(paths):
        path.write_bytes(encoded(squares(64, 48, (number % 3, LION))))
    paths[4].write_bytes(b"no image")
    paths[5].unlink()
    found = lines(write_detector(tmp_path / "d", "end-to-end"), paths, together)
    assert sorted(found) == list(range(12))
    assert str(found[4]["failure"]).startswith("not a JPEG, PNG or WebP image")
    assert found[5] == {"failure": "it cannot be read: No such file or directory"}
    boxes = found[7]["boxes"]
    assert isinstance(boxes, list)
    ((category, confidence, *box),) = boxes
    assert (category, round(confidence, 3), box) == (1, 0.9, list(LION))


def test_a_tiff_is_examined_as_it_is_embedded(tmp_path: Path) -> None:
    paths = [tmp_path / "a.tif", tmp_path / "b.tif"]
    paths[0].write_bytes(encoded(squares(64, 48, (0, LION)), "TIFF"))
    paths[1].write_bytes(b"no image")
    found = lines(write_detector(tmp_path / "d", "end-to-end"), paths, 2)
    assert "boxes" in found[0]
    assert found[0]["boxes"]
    assert "it cannot be read" in str(found[1]["failure"])


def test_an_error_of_the_detector_ends_the_run(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded(squares(64, 48)))
    directory = write_detector(tmp_path / "d", "yolov8", network("end-to-end"))
    with pytest.raises(InvalidInputError, match="is not yolov8"):
        lines(directory, [path] * 5, 2)


def test_no_photograph_has_no_line(tmp_path: Path) -> None:
    assert lines(write_detector(tmp_path, "yolov8"), [], 4) == {}


def test_paths_may_hold_any_character(tmp_path: Path) -> None:
    names = ["a b.jpg", "line\nbreak.jpg", "é\u2028.jpg", '"quoted".jpg']
    listed = tmp_path / "list"
    listed.write_text("".join(json.dumps(name) + "\n" for name in names), encoding="utf-8")
    assert read_paths(listed) == [Path(name) for name in names]
