from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from services.embedder.images.crop_network import SegmenterManifest
from services.embedder.images.decoding import ByteArray
from services.embedder.images.segmenting import MANIFEST_FILE, MODEL_FILE, Segmenter, load_segmenter
from spotted.errors import NotFoundError, PreconditionError

SIZE = 16
DESCRIBED = SegmenterManifest(
    model_id="bright",
    version=1,
    input_size=SIZE,
    output="logits",
    threshold=0.5,
    margin=0.25,
    sha256="",
    licence="Apache-2.0",
    source="drawn for a test",
)
Write = Callable[..., Path]


def graph(expression: str) -> bytes:
    """A network whose score is red - 100, its logistic function, its logarithm, or of a wrong shape."""
    nodes = [
        helper.make_node("Cast", ["crop"], ["levels"], to=TensorProto.FLOAT),
        helper.make_node("Gather", ["levels", "red"], ["brightness"], axis=3),
        helper.make_node("Sub", ["brightness", "limit"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["probabilities"]),
        helper.make_node("Log", ["logits"], ["logarithms"]),
        helper.make_node("Identity", ["levels"], ["colours"]),
    ]
    shape: list[str | int | None] = ["n", SIZE, SIZE, 3] if expression == "colours" else ["n", SIZE, SIZE]
    made = helper.make_graph(
        nodes,
        "bright",
        [helper.make_tensor_value_info("crop", TensorProto.UINT8, ["n", SIZE, SIZE, 3])],
        [helper.make_tensor_value_info(expression, TensorProto.FLOAT, shape)],
        [
            helper.make_tensor("red", TensorProto.INT64, [], [0]),
            helper.make_tensor("limit", TensorProto.FLOAT, [], [100.0]),
        ],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a segmenter's directory."""

    def written(expression: str = "logits", **changes: object) -> Path:
        content = graph(expression)
        described = replace(DESCRIBED, sha256=hashlib.sha256(content).hexdigest())
        directory = tmp_path / expression
        directory.mkdir(exist_ok=True)
        (directory / MODEL_FILE).write_bytes(content)
        # `replace` would reject the values that a test breaks on purpose
        for field, value in changes.items():
            object.__setattr__(described, field, value)
        (directory / MANIFEST_FILE).write_text(described.to_json())
        return directory

    return written


@pytest.fixture
def bright(write: Write) -> Segmenter:
    """Its mask covers all pixels with a red level above 100."""
    return load_segmenter(write())


@pytest.fixture
def scene() -> ByteArray:
    """A bright block, rows 20 to 40 and columns 30 to 60, on black, (80, 100, 3)."""
    image = np.zeros((80, 100, 3), dtype=np.uint8)
    image[20:40, 30:60] = 200
    return image


def test_the_box_becomes_the_mask_of_what_is_bright(bright: Segmenter, scene: ByteArray) -> None:
    # with its margin the box has 16 x 32 pixels to a cell of 2, so that no edge is blurred
    found = bright.mask(scene, slice(16, 48), slice(30, 62))
    assert found.shape == (32, 32)
    expected = scene[16:48, 30:62, 0] > 0
    assert (found != expected).mean() < 0.05
    assert found[8:20, 4:26].all()
    assert not found[28:].any()


def test_the_mask_is_of_the_window_even_at_the_border(bright: Segmenter, scene: ByteArray) -> None:
    for rows, columns in [(slice(0, 80), slice(0, 100)), (slice(0, 1), slice(99, 100))]:
        found = bright.mask(scene, rows, columns)
        assert found.shape == (rows.stop - rows.start, columns.stop - columns.start)
        assert found.any() == (rows.stop == 80)


def test_the_margin_is_seen_and_cut_off(write: Write, scene: ByteArray) -> None:
    # without a margin all that the network sees is bright; with it the dark comes in from outside
    bare = load_segmenter(write(margin=0.0)).mask(scene, slice(20, 40), slice(30, 60))
    assert bare.all()
    wide = load_segmenter(write(margin=2.0)).mask(scene, slice(20, 40), slice(30, 60))
    assert wide.shape == bare.shape
    assert not wide.all()
    assert wide[5:15, 8:22].all()


def test_probabilities_and_logits_give_one_mask(write: Write, scene: ByteArray) -> None:
    # a window of the network's own size is resampled neither there nor back
    rows, columns = slice(30, 46), slice(50, 66)
    for output in ("logits", "probabilities"):
        found = load_segmenter(write(output, output=output, margin=0.0)).mask(scene, rows, columns)
        assert np.array_equal(found, scene[rows, columns, 0] > 100)


def test_a_higher_threshold_keeps_less(write: Write, scene: ByteArray) -> None:
    areas = [
        load_segmenter(write("probabilities", output="probabilities", threshold=threshold))
        .mask(scene, slice(10, 60), slice(15, 80))
        .sum()
        for threshold in (0.1, 0.5, 0.9)
    ]
    assert areas[0] > areas[1] > areas[2] > 0


@pytest.mark.parametrize("expression", ["colours", "logarithms"])
def test_scores_that_are_no_mask_are_refused(write: Write, scene: ByteArray, expression: str) -> None:
    segmenter = load_segmenter(write(expression))
    with pytest.raises(
        PreconditionError, match=r"segmenter 'bright' returned .*; finite scores of shape \(1, 16, 16\)"
    ):
        segmenter.mask(scene, slice(0, 80), slice(0, 100))


def test_another_process_loads_it_again(bright: Segmenter, scene: ByteArray) -> None:
    sent = pickle.loads(pickle.dumps(bright))  # noqa: S301 - our own bytes
    window = slice(16, 48), slice(30, 62)
    assert np.array_equal(sent.mask(scene, *window), bright.mask(scene, *window))
    assert sent.digest == bright.digest


def test_the_digest_depends_on_what_changes_the_masks() -> None:
    # a change of this value makes every embedding of a masked crop incomparable
    assert DESCRIBED.digest == "ef0c5a9450cc4bba33be67e0bf7bed3ca83847c82c70603ca0ddd3b2647b91de"
    changes: list[dict[str, object]] = [
        {"input_size": 32},
        {"output": "probabilities"},
        {"threshold": 0.4},
        {"margin": 0.0},
        {"sha256": "ab"},
    ]
    digests = {replace(DESCRIBED, **change).digest for change in changes}  # type: ignore[arg-type] # of any type
    assert len(digests | {DESCRIBED.digest}) == 6
    assert replace(DESCRIBED, model_id="dark", licence="MIT").digest == DESCRIBED.digest


@pytest.mark.parametrize("missing", [MODEL_FILE, MANIFEST_FILE])
def test_a_missing_file_is_named(write: Write, missing: str) -> None:
    directory = write()
    (directory / missing).unlink()
    with pytest.raises(NotFoundError, match=f"no segmenter in .*{missing} is missing"):
        load_segmenter(directory)


def test_a_file_that_the_manifest_does_not_describe_is_refused(write: Write) -> None:
    directory = write()
    (directory / MODEL_FILE).write_bytes(graph("colours"))
    with pytest.raises(PreconditionError, match=r"model.onnx does not match manifest.json"):
        load_segmenter(directory)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "backbone"}, "kind is 'backbone'"),
        ({"output": "distances"}, "output is 'distances'"),
        ({"threshold": 1.0}, "threshold between 0 and 1"),
        ({"margin": -0.1}, "margin at least 0"),
        ({"input_size": "16"}, "not supported between"),
    ],
)
def test_another_manifest_is_refused(write: Write, changes: dict[str, object], message: str) -> None:
    with pytest.raises(PreconditionError, match=f"is not a manifest of a segmenter .*{message}"):
        load_segmenter(write(**changes))


@pytest.mark.parametrize("text", ["", "[]", "7", "{}", '{"model_id": "bright"}'])
def test_a_text_that_is_no_manifest_is_refused(write: Write, text: str) -> None:
    directory = write()
    (directory / MANIFEST_FILE).write_text(text)
    with pytest.raises(PreconditionError, match="is not a manifest of a segmenter"):
        load_segmenter(directory)
