from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.embedder.images.decoding import ByteArray
from services.embedder.images.prompted_network import PromptedManifest
from services.embedder.images.segmenting import DECODER_FILE, ENCODER_FILE, MANIFEST_FILE, load_segmenter
from spotted.errors import NotFoundError, PreconditionError
from tests.services.embedder.images.drawn_segmenters import DESCRIBED, FORMS, decoder, write_segmenter

# the box around the first of two bright blocks
ROWS, COLUMNS = slice(20, 60), slice(40, 100)


@pytest.fixture
def scene() -> ByteArray:
    """Two bright blocks on a dark ground, (100, 200, 3), rows 30 to 50; columns 50 to 90 and 110 to 150."""
    image = np.full((100, 200, 3), 30, dtype=np.uint8)
    image[30:50, 50:90, 0] = image[30:50, 110:150, 0] = 230
    return image


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("margin", [0.0, 0.25, 4.0])
def test_the_box_becomes_the_mask_of_what_is_bright_in_it(
    tmp_path: Path, scene: ByteArray, form: str, margin: float
) -> None:
    segmenter = load_segmenter(write_segmenter(tmp_path, form, margin=margin))
    found = segmenter.mask(scene, ROWS, COLUMNS)
    expected = scene[ROWS, COLUMNS, 0] > 128
    assert found.shape == expected.shape
    # cells of two pixels of an input of 64 blur the edges, the more the wider the margin is
    agreement = (found & expected).sum() / (found | expected).sum()
    assert agreement > (0.7 if margin == 4.0 else 0.85)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", [(80, 160), (160, 80)])
def test_the_prompt_is_the_box_in_the_region(tmp_path: Path, form: str, shape: tuple[int, int]) -> None:
    network = load_segmenter(write_segmenter(tmp_path, form))._network
    bright = np.full((*shape, 3), 230, dtype=np.uint8)
    rows, columns = (slice(side // 4, side * 3 // 4) for side in shape)
    scores = network.scores(bright, rows, columns)
    # only sam2 fills the square
    assert scores.shape == ((64, 64) if form == "sam2" else tuple(side * 64 // 160 for side in shape))
    inside = np.zeros(scores.shape, dtype=bool)
    high, wide = scores.shape
    inside[high // 4 : high * 3 // 4, wide // 4 : wide * 3 // 4] = True
    # a cell of two pixels at each edge may fall on either side
    assert ((scores > 0) != inside).sum() <= 2 * (high + wide)
    assert scores[high // 2, wide // 2] > 0 > scores[1, 1]


def test_a_dark_box_has_an_empty_mask(tmp_path: Path, scene: ByteArray) -> None:
    segmenter = load_segmenter(write_segmenter(tmp_path, "sam"))
    assert not segmenter.mask(scene, slice(60, 100), slice(0, 60)).any()


def test_a_warm_up_measures_what_a_run_takes(tmp_path: Path) -> None:
    segmenter = load_segmenter(write_segmenter(tmp_path, "sam"))
    assert (segmenter.needs.bytes, segmenter.needs.seconds) == (0, 0.0)
    segmenter.warm_up()
    files = sum((tmp_path / name).stat().st_size for name in (ENCODER_FILE, DECODER_FILE))
    assert segmenter.needs.bytes >= 2 * files
    assert segmenter.needs.seconds > 0


def test_the_digest_depends_on_what_changes_the_masks() -> None:
    # a change of this value makes every embedding of a masked crop incomparable
    changes: list[dict[str, Any]] = [
        {"input_size": 32},
        {"encoder_sha256": "ab"},
        {"decoder_sha256": "ab"},
        {"encoder_input": "hwc"},
        {"fit": "stretch"},
        {"scale": 0.5},
        {"mean": (0.0, 0.0, 0.0)},
        {"std": (1.0, 1.0, 1.0)},
        {"threshold": 0.4},
        {"margin": 0.0},
    ]
    digests = {replace(DESCRIBED, **change).digest for change in changes}
    assert len(digests | {DESCRIBED.digest}) == len(changes) + 1
    assert replace(DESCRIBED, model_id="dark", licence="MIT").digest == DESCRIBED.digest


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encoder_input": "chw"}, "encoder_input must be nchw or hwc"),
        ({"fit": "letterbox"}, "fit letterbox-corner or stretch"),
        ({"threshold": 1}, "threshold between 0 and 1"),
        ({"std": [1, 0, 1]}, "std must be above 0"),
        ({"mean": [1]}, "three numbers each"),
        ({"shape": 3}, "shape"),
    ],
)
def test_an_impossible_manifest_is_refused(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    path = write_segmenter(tmp_path, "sam") / MANIFEST_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(PreconditionError, match=f"is not a manifest of a segmenter .*{message}"):
        load_segmenter(tmp_path)


@pytest.mark.parametrize("name", [ENCODER_FILE, DECODER_FILE])
def test_both_files_are_verified(tmp_path: Path, name: str) -> None:
    path = write_segmenter(tmp_path, "sam") / name
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(PreconditionError, match=f"{name} does not match manifest.json"):
        load_segmenter(tmp_path)
    path.unlink()
    with pytest.raises(NotFoundError, match=f"{name} is missing"):
        load_segmenter(tmp_path)


def test_unknown_inputs_are_named(tmp_path: Path) -> None:
    content = decoder("sam").replace(b"has_mask_input", b"has_some_words")
    write_segmenter(tmp_path, "sam")
    path = tmp_path / DECODER_FILE
    described = _described(tmp_path, content)
    path.write_bytes(content)
    (tmp_path / MANIFEST_FILE).write_text(described.to_json())
    with pytest.raises(PreconditionError, match="takes has_some_words, which is not known"):
        load_segmenter(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"input_size": 32}, r"means \[1, 3, 32, 32\]"), ({"encoder_input": "hwc"}, r"means \['h', 'w', 3\]")],
)
def test_an_encoder_of_another_input_is_refused(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(PreconditionError, match=rf"takes tensor\(float\) \[1, 3, 64, 64\].*{message}"):
        load_segmenter(write_segmenter(tmp_path, "sam", **changes))


def test_masks_without_a_quality_of_each_are_refused(tmp_path: Path, scene: ByteArray) -> None:
    write_segmenter(tmp_path, "sam2")
    content = decoder("sam2").replace(b"iou_predictions", b"own_predictions")
    (tmp_path / DECODER_FILE).write_bytes(content)
    (tmp_path / MANIFEST_FILE).write_text(_described(tmp_path, content).to_json())
    with pytest.raises(
        PreconditionError, match=r"returned low_res_masks \(1, 3, 32, 32\), own_pred.* qualities"
    ):
        load_segmenter(tmp_path).mask(scene, ROWS, COLUMNS)


def _described(directory: Path, content: bytes) -> PromptedManifest:
    """The manifest of a directory, for another decoder."""
    fields = json.loads((directory / MANIFEST_FILE).read_text())
    fields |= {"mean": tuple(fields["mean"]), "std": tuple(fields["std"])}
    return replace(PromptedManifest(**fields), decoder_sha256=hashlib.sha256(content).hexdigest())
