from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from services.embedder.backbones import MANIFEST_FILE, MODEL_FILE, read_manifest
from services.embedder.export import (
    Exported,
    check_parity,
    describe,
    disagreement,
    export,
    load_network,
    probes,
    trace,
)
from spotted.errors import PreconditionError

ROOT = Path(__file__).resolve().parents[3]
MODEL_ID = "efficientnet-lite0"


def test_a_second_export_changes_nothing(exported: Exported) -> None:
    before = (exported.directory / MODEL_FILE).stat()
    again = export(MODEL_ID, exported.directory.parent.parent)
    assert not again.fresh
    assert again.manifest == exported.manifest
    assert (exported.directory / MODEL_FILE).stat().st_mtime_ns == before.st_mtime_ns


def test_the_same_weights_give_the_same_bytes(exported: Exported) -> None:
    described = describe(MODEL_ID)
    content = trace(load_network(described), described)
    assert content == (exported.directory / MODEL_FILE).read_bytes()


def test_no_path_of_this_machine_is_in_the_file(exported: Exported) -> None:
    content = (exported.directory / MODEL_FILE).read_bytes()
    assert str(ROOT).encode() not in content
    assert b".py" not in content


def test_only_the_two_files_are_left_on_disk(exported: Exported) -> None:
    assert {path.name for path in exported.directory.iterdir()} == {MODEL_FILE, MANIFEST_FILE}


@pytest.mark.parametrize("damaged", [MODEL_FILE, MANIFEST_FILE])
def test_a_damaged_file_is_exported_anew(damaged: str, tmp_path: Path, exported: Exported) -> None:
    directory = tmp_path / MODEL_ID / "1"
    directory.mkdir(parents=True)
    for name in (MODEL_FILE, MANIFEST_FILE):
        content = (exported.directory / name).read_bytes()
        (directory / name).write_bytes(content[:100] if name == damaged else content)
    again = export(MODEL_ID, tmp_path)
    assert again.fresh
    assert (directory / MODEL_FILE).read_bytes() == (exported.directory / MODEL_FILE).read_bytes()
    assert read_manifest(directory) == exported.manifest


def test_the_graph_takes_bytes_in_any_number_and_states_its_opset(exported: Exported) -> None:
    model = onnx.load(exported.directory / MODEL_FILE)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", exported.manifest.opset)]
    (pixels,) = model.graph.input
    assert pixels.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert [axis.dim_value for axis in pixels.type.tensor_type.shape.dim] == [0, 224, 224, 3]
    assert pixels.type.tensor_type.shape.dim[0].dim_param


def test_the_graph_agrees_with_torch_on_images_it_was_not_checked_on(exported: Exported) -> None:
    images = np.random.default_rng(7).integers(0, 256, (3, 224, 224, 3), dtype=np.uint8)
    session = onnxruntime.InferenceSession(
        exported.directory / MODEL_FILE, providers=["CPUExecutionProvider"]
    )
    (found,) = session.run(None, {"pixels": images})
    with torch.no_grad():
        expected = load_network(exported.manifest)(torch.from_numpy(images)).numpy()
    difference, cosine = disagreement(expected, found)
    assert difference < 1e-4
    assert cosine > 0.99999


def test_another_network_fails_the_check(exported: Exported) -> None:
    network = load_network(exported.manifest)
    content = (exported.directory / MODEL_FILE).read_bytes()
    check_parity(network, content, exported.manifest)
    network.mean.data += 1.0
    with pytest.raises(PreconditionError, match="is not the torch network: features differ"):
        check_parity(network, content, exported.manifest)


def test_disagreement_is_the_largest_difference_and_the_least_cosine() -> None:
    expected = np.array([[1.0, 0.0], [0.0, 2.0]], dtype=np.float32)
    found = np.array([[1.0, 0.0], [2.0, 2.0]], dtype=np.float32)
    difference, cosine = disagreement(expected, found)
    assert difference == 2.0
    assert cosine == pytest.approx(0.5**0.5)


def test_the_probes_are_all_different() -> None:
    images = probes(224)
    assert images.shape == (6, 224, 224, 3)
    assert len({image.tobytes() for image in images}) == len(images)


def test_an_unknown_backbone_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(PreconditionError, match="no weights for 'resnet'; use one of efficientnet-lite0"):
        export("resnet", tmp_path)


def test_a_manifest_of_another_recipe_is_not_taken_for_this_one(tmp_path: Path, exported: Exported) -> None:
    directory = tmp_path / MODEL_ID / "1"
    directory.mkdir(parents=True)
    (directory / MODEL_FILE).write_bytes((exported.directory / MODEL_FILE).read_bytes())
    other = replace(exported.manifest, opset=17)
    (directory / MANIFEST_FILE).write_text(other.to_json())
    assert export(MODEL_ID, tmp_path).fresh


def test_the_command_says_in_one_line_what_it_did(exported: Exported) -> None:
    models = exported.directory.parent.parent
    command = [sys.executable, "-W", "error", "-m", "services.embedder.export", MODEL_ID]
    command += ["--output", str(models)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert (
        done.stdout
        == f"verified {exported.directory / MODEL_FILE} (SHA-256 {exported.manifest.sha256[:12]})\n"
    )
    assert not done.stderr
