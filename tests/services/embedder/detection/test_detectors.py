from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto

from services.embedder.detection.detectors import Detector, load_detector
from services.embedder.images.decoding import ByteArray
from spotted.boxes import FITS, FORMS, Fit, OutputForm
from spotted.errors import InvalidInputError, NotFoundError, PreconditionError
from spotted.formats.detectors import DETECTOR_FILE, FoundAnimals
from tests.services.embedder.detection.drawn_networks import HEIGHT, WIDTH, network, squares, write_detector

LION = (0.25, 0.25, 0.25, 0.5)
RANGER = (0.625, 0.125, 0.125, 0.75)


@pytest.fixture
def scene() -> ByteArray:
    """A wide photograph with a red square and a green one."""
    return squares(640, 320, (0, LION), (1, RANGER))


def shown(found: FoundAnimals, tolerance: float = 0.02) -> None:
    """The two squares of the scene, within a pixel of the input."""
    assert sorted(one.category for one in found.boxes) == [0, 1]
    for one in found.boxes:
        expected = LION if one.category == 0 else RANGER
        np.testing.assert_allclose(one.box, expected, atol=tolerance)


@pytest.mark.parametrize("form", FORMS)
def test_each_form_of_outputs_shows_the_same_boxes(
    tmp_path: Path, form: OutputForm, scene: ByteArray
) -> None:
    detector = load_detector(write_detector(tmp_path, form))
    blank, first, second = (detector.prepare(image) for image in (squares(50, 50), scene, scene))
    # alone and in a batch
    (alone,) = detector.detect([first])
    shown(alone)
    none, *others = detector.detect([blank, first, second])
    assert none.boxes == ()
    assert others == [alone, alone]
    confidences = [one.confidence for one in alone.boxes]
    np.testing.assert_allclose(confidences, 0.982 if form == "rt-detr" else 0.9, atol=1e-3)


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("size", [(640, 320), (100, 700), (WIDTH, HEIGHT)])
def test_boxes_are_those_of_the_photograph_whatever_its_shape(
    tmp_path: Path, fit: Fit, size: tuple[int, int]
) -> None:
    detector = load_detector(write_detector(tmp_path, "yolov8", fit=fit))
    (found,) = detector.detect([detector.prepare(squares(*size, (0, LION), (1, RANGER)))])
    # a pixel of the input, of the shortest side of the scaled photograph
    shown(found, tolerance=1.1 / (48 * 100 / 700) if size == (100, 700) and fit != "stretch" else 0.03)


@pytest.mark.parametrize(
    ("elements", "scale"), [(TensorProto.FLOAT16, 1 / 255), (TensorProto.UINT8, 1 / 255)]
)
def test_other_elements_of_the_input_are_given_as_the_graph_takes_them(
    tmp_path: Path, elements: int, scale: float, scene: ByteArray
) -> None:
    content = network("yolov8", elements=elements)
    detector = load_detector(write_detector(tmp_path, "yolov8", content, scale=scale))
    shown(detector.detect([detector.prepare(scene)])[0])


def test_a_fixed_batch_is_filled_up(tmp_path: Path, scene: ByteArray) -> None:
    detector = load_detector(write_detector(tmp_path, "yolov5", network("yolov5", batch=4)))
    assert detector.max_batch == 4
    prepared = [detector.prepare(image) for image in (squares(9, 9), *[scene] * 5)]
    none, *others = detector.detect(prepared)
    assert none.boxes == ()
    for found in others:
        shown(found)


def test_boxes_that_name_their_photograph_need_no_axis_for_the_batch(
    tmp_path: Path, scene: ByteArray
) -> None:
    detector = load_detector(write_detector(tmp_path, "yolov7", network("yolov7", batch=4)))
    assert detector.max_batch == 4
    found = detector.detect([detector.prepare(image) for image in (scene, squares(9, 9), *[scene] * 3)])
    assert [len(one.boxes) for one in found] == [2, 0, 2, 2, 2]
    for one in (found[0], *found[2:]):
        shown(one)


def test_colours_are_in_the_order_of_the_manifest(tmp_path: Path, scene: ByteArray) -> None:
    detector = load_detector(write_detector(tmp_path, "yolov8", colour_order="BGR"))
    (found,) = detector.detect([detector.prepare(scene)])
    # red is the last channel
    assert sorted(one.category for one in found.boxes) == [1, 2]


def test_levels_are_scaled_and_normalised(tmp_path: Path, scene: ByteArray) -> None:
    # 250 becomes 0.49, which is not bright; then 0.98 - 0.9 over 0.1, which is
    dim = load_detector(write_detector(tmp_path / "dim", "yolov8", scale=0.5 / 255))
    assert dim.detect([dim.prepare(scene)])[0].boxes == ()
    mean, std = (0.9, 0.9, 0.9), (0.1, 0.1, 0.1)
    bright = load_detector(write_detector(tmp_path / "bright", "yolov8", mean=mean, std=std))
    shown(bright.detect([bright.prepare(scene)])[0])


def test_without_suppression_each_box_of_yolov5_repeats(tmp_path: Path, scene: ByteArray) -> None:
    repeated = load_detector(write_detector(tmp_path, "yolov5", overlap=1.0))
    (found,) = repeated.detect([repeated.prepare(scene)])
    assert len(found.boxes) == 4


def test_outputs_of_another_form_are_refused(tmp_path: Path, scene: ByteArray) -> None:
    detector = load_detector(write_detector(tmp_path, "yolov5", network("end-to-end")))
    with pytest.raises(InvalidInputError, match=r'is not yolov5.*correct "output"'):
        detector.detect([detector.prepare(scene)])
    # before the first photograph
    with pytest.raises(InvalidInputError, match="is not yolov5"):
        detector.warm_up()
    logits = load_detector(write_detector(tmp_path, "rt-detr", scores="probabilities"))
    with pytest.raises(InvalidInputError, match='set "scores" to "logits"'):
        logits.detect([logits.prepare(scene)])


@pytest.mark.parametrize("changes", [{"input_size": (64, 64)}, {"layout": "nhwc"}])
def test_an_input_that_the_manifest_does_not_describe_is_refused(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    with pytest.raises(PreconditionError, match=r"detector 'squares' takes tensor\(float\).*input_size"):
        load_detector(write_detector(tmp_path, "yolov8", **changes))


def test_further_inputs_are_refused_by_name(tmp_path: Path) -> None:
    content = network("labels-boxes-scores").replace(b"orig_target_sizes", b"orig_target_angle")
    with pytest.raises(PreconditionError, match="and orig_target_angle"):
        load_detector(write_detector(tmp_path, "labels-boxes-scores", content))


def test_another_file_than_the_described_one_is_refused(tmp_path: Path) -> None:
    write_detector(tmp_path, "yolov8")
    (tmp_path / DETECTOR_FILE).write_bytes(network("yolov5"))
    found = hashlib.sha256(network("yolov5")).hexdigest()
    with pytest.raises(PreconditionError, match=f"has the SHA-256 {found}, but manifest.json says"):
        load_detector(tmp_path)


def test_a_missing_detector_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no detector in"):
        load_detector(tmp_path)


def test_a_detector_says_how_many_it_takes_at_once(tmp_path: Path) -> None:
    detector: Detector = load_detector(write_detector(tmp_path, "yolov8"))
    # a budget of pixels: four images of 224 x 224
    assert detector.max_batch > 4
