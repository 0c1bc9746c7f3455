from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from spotted.errors import PreconditionError
from spotted.formats.detectors.results import (
    DetectionResults,
    FoundAnimals,
    FoundBox,
    Photograph,
    write_megadetector,
)
from spotted.formats.photographs import is_megadetector, read_megadetector
from tests.spotted.formats.detectors.test_manifest import DESCRIBED

LION = FoundBox(0, 0.912345, (0.1, 0.2, 0.3, 0.4))
CUB = FoundBox(0, 0.3, (0.5, 0.6, 0.5, 0.4))
RANGER = FoundBox(1, 0.8, (0.0, 0.0, 0.1, 0.9))
FIRST, SECOND = Photograph("a/1.jpg", 10, 5), Photograph("a/2.jpg", 20, 6)


def test_results_are_there_after_an_interruption(tmp_path: Path) -> None:
    path = tmp_path / "boxes" / "s.jsonl"
    DetectionResults(path, "d").add(FIRST, FoundAnimals((LION, RANGER)))
    DetectionResults(path, "d").add(SECOND, FoundAnimals())
    # the last line was cut off
    with path.open("ab") as stream:
        stream.write(b'{"file": "a/3')
    results = DetectionResults(path, "d")
    assert results.get(FIRST) == FoundAnimals((LION, RANGER))
    assert results.get(SECOND) == FoundAnimals()
    third = Photograph("a/3.jpg", 1, 1)
    assert results.get(third) is None
    results.add(third, FoundAnimals((CUB,)))
    assert DetectionResults(path, "d").get(third) == FoundAnimals((CUB,))


def test_a_changed_photograph_another_detector_and_a_failure_are_examined_again(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    results = DetectionResults(path, "d")
    results.add(FIRST, FoundAnimals((LION,)))
    results.add(SECOND, FoundAnimals(failure="damaged"))
    assert results.get(SECOND) == FoundAnimals(failure="damaged")
    again = DetectionResults(path, "d")
    assert again.get(replace(FIRST, changed_ns=7)) is None
    assert again.get(replace(FIRST, bytes=11)) is None
    assert again.get(SECOND) is None
    assert DetectionResults(path, "other").get(FIRST) is None
    assert DetectionResults(path, "d").get(FIRST) is None


@pytest.mark.parametrize("line", [b"no json\n", b'{"file": "a"}\n', b"7\n"])
def test_a_damaged_file_is_named_with_the_remedy(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "s.jsonl"
    DetectionResults(path, "d").add(FIRST, FoundAnimals((LION,)))
    with path.open("ab") as stream:
        stream.write(line)
    with pytest.raises(PreconditionError, match=r"s.jsonl is damaged .*delete it"):
        DetectionResults(path, "d")


def test_a_photograph_is_known_by_its_path_size_and_change(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    file = tmp_path / "a" / "1.jpg"
    file.write_bytes(b"12345")
    found = Photograph.of(file, tmp_path)
    assert (found.file, found.bytes, found.changed_ns) == ("a/1.jpg", 5, file.stat().st_mtime_ns)
    assert Photograph.of(tmp_path / "gone.jpg", tmp_path) == Photograph("gone.jpg", -1, 0)


def test_the_json_is_read_as_that_of_megadetector(tmp_path: Path) -> None:
    path = tmp_path / "out" / "boxes.json"
    results = {"b.jpg": FoundAnimals(failure="damaged"), "a/1.jpg": FoundAnimals((LION, RANGER, CUB))}
    for _ in range(2):
        write_megadetector(path, DESCRIBED, results, finished_at="2024-01-02 03:04:05")
    assert is_megadetector(path)
    boxes = read_megadetector(path)
    assert boxes.failures == {"b.jpg"}
    # persons are left out; confidences are kept
    assert [(one.confidence, one.box) for one in boxes.by_image["a/1.jpg"]] == [
        (0.9123, LION.box),
        (0.3, CUB.box),
    ]
    document = json.loads(path.read_text())
    assert document["detection_categories"] == {"1": "animal", "2": "person", "3": "vehicle"}
    assert document["info"]["detector"] == "squares 1"
    assert [path.name for path in path.parent.iterdir()] == ["boxes.json"]


def test_only_the_classes_that_are_animals_are_written(tmp_path: Path) -> None:
    manifest = replace(DESCRIBED, class_names=("car", "zebra", "bench", "dog"), animals=("zebra", "dog"))
    found = [FoundBox(index, 0.5, LION.box) for index in range(4)]
    write_megadetector(tmp_path / "b.json", manifest, {"a": FoundAnimals(tuple(found))}, finished_at="")
    document = json.loads((tmp_path / "b.json").read_text())
    assert document["detection_categories"] == {"1": "animal"}
    assert [one["category"] for one in document["images"][0]["detections"]] == ["1", "1"]


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(PreconditionError, match=r"taken/b.json cannot be written"):
        write_megadetector(tmp_path / "taken" / "b.json", DESCRIBED, {}, finished_at="")
