from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from spotted.errors import NotFoundError, PreconditionError
from spotted.formats.detectors.manifest import (
    DETECTOR_FILE,
    DETECTOR_MANIFEST,
    DetectorManifest,
    read_detector_manifest,
)

DESCRIBED = DetectorManifest(
    model_id="squares",
    version="1",
    input_size=(48, 64),
    output="yolov5",
    class_names=("animal", "person", "vehicle"),
    sha256="0" * 64,
    licence="MIT",
    source="drawn for a test",
)


def write(directory: Path, text: str) -> Path:
    (directory / DETECTOR_FILE).write_bytes(b"never read")
    (directory / DETECTOR_MANIFEST).write_text(text)
    return directory


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert read_detector_manifest(write(tmp_path, DESCRIBED.to_json())) == DESCRIBED


def test_one_number_is_a_square(tmp_path: Path) -> None:
    text = json.dumps(json.loads(DESCRIBED.to_json()) | {"input_size": 640})
    assert read_detector_manifest(write(tmp_path, text)).input_size == (640, 640)


def test_the_form_decides_what_the_manifest_leaves_open() -> None:
    assert (DESCRIBED.unit, DESCRIBED.suppression) == ("pixels", 0.45)
    queries = replace(DESCRIBED, output="rt-detr")
    assert (queries.unit, queries.suppression) == ("fractions", 1.0)
    given = replace(queries, box_unit="pixels", overlap=0.6)
    assert (given.unit, given.suppression) == ("pixels", 0.6)


def test_the_digest_changes_with_all_that_changes_boxes() -> None:
    changes: list[dict[str, object]] = [
        {"input_size": (64, 64)},
        {"output": "yolov8"},
        {"scores": "logits"},
        {"overlap": 0.5},
        {"sha256": "1" * 64},
        {"fit": "stretch"},
        {"colour_order": "BGR"},
    ]
    digests = {replace(DESCRIBED, **change).digest for change in changes}  # type: ignore[arg-type] # of any type
    assert len(digests | {DESCRIBED.digest}) == len(changes) + 1
    assert replace(DESCRIBED, licence="AGPL-3.0", model_id="other").digest == DESCRIBED.digest


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"output": "yolov99"}, "output is 'yolov99', not yolov5 or yolov8"),
        ({"kind": "segmenter"}, "kind is 'segmenter', not detector"),
        ({"fit": "crop"}, "fit is 'crop'"),
        ({"box_unit": "metres"}, "box_unit is 'metres', not pixels or fractions"),
        ({"input_size": 0}, "input_size must be a number of pixels"),
        ({"input_size": [1, 2, 3]}, "input_size must be a number of pixels"),
        ({"input_size": "640"}, "manifest of a detector"),
        ({"class_names": []}, "class_names must name every class"),
        ({"animals": ["zebra"]}, "class_names must name every class"),
        ({"mean": [0.5]}, "three numbers each"),
        ({"std": [1, 0, 1]}, "std must be above 0"),
        ({"overlap": 0}, "overlap above 0"),
        ({"fill": [0, 0, 256]}, "levels from 0 to 255"),
        ({"confidence": 0.2}, "unknown fields confidence"),
    ],
)
def test_an_impossible_manifest_is_refused(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    text = json.dumps(json.loads(DESCRIBED.to_json()) | changes)
    with pytest.raises(PreconditionError, match=f"is not a manifest of a detector .*{message}|{message}"):
        read_detector_manifest(write(tmp_path, text))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"model_id": "squares"}'])
def test_a_text_that_is_no_manifest_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(PreconditionError, match="is not a manifest of a detector"):
        read_detector_manifest(write(tmp_path, text))


@pytest.mark.parametrize("missing", [DETECTOR_FILE, DETECTOR_MANIFEST])
def test_a_missing_file_is_named(tmp_path: Path, missing: str) -> None:
    (write(tmp_path, DESCRIBED.to_json()) / missing).unlink()
    with pytest.raises(NotFoundError, match=f"no detector in .*: {missing} is missing"):
        read_detector_manifest(tmp_path)
