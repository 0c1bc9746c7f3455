from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from services.embedder.export.__main__ import Exported, export, exported_content, loaded, published
from services.embedder.export.architectures import ARCHITECTURES, build
from services.embedder.export.checkpoints import from_file
from services.embedder.export.onnx_export import Agreement, features
from services.embedder.images.decoding import ByteArray
from services.embedder.inference.backbones import MANIFEST_FILE, MODEL_FILE, load_backbone, read_manifest
from services.embedder.inference.cell_maps import CELLS_FILE
from spotted.errors import AlreadyExistsError, InvalidInputError, PreconditionError
from spotted.training.torchvision_operators import import_timm

ROOT = Path(__file__).resolve().parents[4]
MODEL_ID = "efficientnet-lite0"


@pytest.fixture
def traced(exported: Exported, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each trace gives the exported file, for tests of files and variants.

    That the published weights give it is checked by `test_the_same_weights_give_the_same_bytes`.
    """
    replace_trace(exported, monkeypatch)


def replace_trace(done: Exported, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let traces give the file of an earlier export: a trace takes ten seconds and more."""
    content = (done.directory / MODEL_FILE).read_bytes()
    difference, cosine = done.manifest.largest_difference, done.manifest.least_cosine
    assert difference is not None
    assert cosine is not None
    monkeypatch.setattr("services.embedder.export.__main__.trace", lambda *_: content)
    monkeypatch.setattr(
        "services.embedder.export.__main__.check_parity", lambda *_: Agreement(difference, cosine)
    )


def test_a_second_export_changes_nothing(exported: Exported) -> None:
    before = (exported.directory / MODEL_FILE).stat()
    again = export(MODEL_ID, exported.directory.parent.parent)
    assert not again.fresh
    assert again.manifest == exported.manifest
    assert (exported.directory / MODEL_FILE).stat().st_mtime_ns == before.st_mtime_ns


@pytest.mark.slow
def test_the_same_weights_give_the_same_bytes(exported: Exported) -> None:
    architecture = ARCHITECTURES[MODEL_ID]
    content, _ = exported_content(loaded(architecture, published(architecture)), architecture, "fp32", None)
    assert content == (exported.directory / MODEL_FILE).read_bytes()
    # the file that earlier versions exported: stored vectors are known by it
    assert exported.manifest.sha256.startswith("006e668d09ca")


def test_no_path_of_this_machine_is_in_the_file(exported: Exported) -> None:
    content = (exported.directory / MODEL_FILE).read_bytes()
    assert str(ROOT).encode() not in content
    assert b".py" not in content


def test_only_the_three_files_are_left_on_disk(exported: Exported) -> None:
    found = {path.name for path in exported.directory.iterdir()}
    assert found == {MODEL_FILE, MANIFEST_FILE, CELLS_FILE}


def test_an_export_without_cells_gets_them_and_keeps_its_file(tmp_path: Path, exported: Exported) -> None:
    directory = tmp_path / MODEL_ID / "1"
    shutil.copytree(exported.directory, directory)
    (directory / CELLS_FILE).unlink()
    with pytest.raises(PreconditionError, match=r"comes without cells\.npz, .* export it again"):
        load_backbone(tmp_path, MODEL_ID).require_cells()
    assert not export(MODEL_ID, tmp_path).fresh
    for name in (CELLS_FILE, MODEL_FILE, MANIFEST_FILE):
        assert (directory / name).read_bytes() == (exported.directory / name).read_bytes()


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("damaged", [MODEL_FILE, MANIFEST_FILE])
def test_a_damaged_file_is_exported_again(damaged: str, tmp_path: Path, exported: Exported) -> None:
    directory = tmp_path / MODEL_ID / "1"
    directory.mkdir(parents=True)
    for name in (MODEL_FILE, MANIFEST_FILE):
        content = (exported.directory / name).read_bytes()
        (directory / name).write_bytes(content[:100] if name == damaged else content)
    again = export(MODEL_ID, tmp_path)
    assert again.fresh
    assert (directory / MODEL_FILE).read_bytes() == (exported.directory / MODEL_FILE).read_bytes()
    assert read_manifest(directory) == exported.manifest


def test_an_unknown_backbone_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="unknown backbone 'resnet'; use one of efficientnet-lite0"):
        export("resnet", tmp_path)


@pytest.mark.usefixtures("traced")
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


def test_the_manifest_holds_weights_and_measured_parity(exported: Exported) -> None:
    manifest = read_manifest(exported.directory)
    assert manifest.weights_sha256 == published(ARCHITECTURES[MODEL_ID]).sha256
    assert (manifest.precision, manifest.resize_kernel, manifest.aspect) == ("fp32", "bilinear", "stretch")
    assert manifest.largest_difference is not None
    assert manifest.least_cosine is not None
    assert 0 < manifest.largest_difference < 1e-4
    assert 0.99999 < manifest.least_cosine < 1.00001


@pytest.mark.slow
def test_other_weights_get_another_version(tmp_path: Path, exported: Exported) -> None:
    directory = tmp_path / MODEL_ID / "1"
    shutil.copytree(exported.directory, directory)
    network = build(ARCHITECTURES[MODEL_ID])
    network.load_state_dict({**network.state_dict(), **others()})
    torch.save({"state_dict": network.network.state_dict()}, tmp_path / "other.pt")
    weights = from_file(tmp_path / "other.pt")
    with pytest.raises(AlreadyExistsError, match=r"exported from other weights .* as --version 2"):
        export(MODEL_ID, tmp_path, weights=weights)
    assert read_manifest(directory) == exported.manifest
    second = export(MODEL_ID, tmp_path, weights=weights, version=2)
    assert second.directory == tmp_path / MODEL_ID / "2"
    assert second.manifest.sha256 != exported.manifest.sha256
    assert second.manifest.source == "the file other.pt"
    assert load_backbone(tmp_path, MODEL_ID).manifest == second.manifest


def others() -> dict[str, torch.Tensor]:
    """The published parameters with one of them slightly changed."""
    state = torch.load(published(ARCHITECTURES[MODEL_ID]).path, weights_only=True)
    state["_conv_stem.weight"] *= 1.01
    return {f"network.{name}": tensor for name, tensor in state.items()}


@pytest.mark.usefixtures("traced")
def test_fp16_is_a_backbone_of_its_own(tmp_path: Path, drawing: ByteArray) -> None:
    done = export(MODEL_ID, tmp_path, precision="fp16")
    assert done.directory == tmp_path / f"{MODEL_ID}-fp16" / "1"
    assert done.manifest.precision == "fp16"
    assert not export(MODEL_ID, tmp_path, precision="fp16").fresh
    half = load_backbone(tmp_path, f"{MODEL_ID}-fp16")
    (vector,) = half.embed([drawing[:224, :224]])
    assert isinstance(vector, np.ndarray)
    assert vector.dtype == np.float32
    assert vector.shape == (1280,)


@pytest.mark.usefixtures("traced")
def test_another_image_size_and_pooling_is_a_backbone_of_its_own(
    tmp_path: Path, exported: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes, content = [], (exported.directory / MODEL_FILE).read_bytes()

    def trace(_: object, size_px: int) -> bytes:
        sizes.append(size_px)
        return content

    monkeypatch.setattr("services.embedder.export.__main__.trace", trace)
    # the file is for images of another size
    searched = iter([None])
    monkeypatch.setattr("services.embedder.export.__main__.find_cells", lambda *_: next(searched))
    name = f"{MODEL_ID}-rmac-320"
    done = export(MODEL_ID, tmp_path, image_size=320, pooling="rmac")
    assert sizes == [320]
    assert done.manifest.has_cells is False
    assert done.directory == tmp_path / name / "1"
    assert (done.manifest.model_id, done.manifest.input_size) == (name, 320)
    # cells that were not found are not searched again
    assert not export(MODEL_ID, tmp_path, image_size=320, pooling="rmac").fresh


@pytest.mark.slow
@pytest.mark.usefixtures("traced")
def test_photographs_become_part_of_the_source(tmp_path: Path, drawing: ByteArray) -> None:
    for i in range(8):
        Image.fromarray(drawing[i:]).save(tmp_path / f"{i}.png")
    done = export(MODEL_ID, tmp_path / "models", precision="int8", calibration=tmp_path)
    assert "calibrated and checked on 8 photographs" in done.manifest.source
    assert not export(MODEL_ID, tmp_path / "models", precision="int8", calibration=tmp_path).fresh
    (tmp_path / "8.png").write_bytes((tmp_path / "0.png").read_bytes())
    assert export(MODEL_ID, tmp_path / "models", precision="int8", calibration=tmp_path).fresh


def test_fp32_takes_no_photographs(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="fp32 is not calibrated"):
        export(MODEL_ID, tmp_path, calibration=tmp_path)


def test_a_file_from_elsewhere_loads_with_the_shortest_manifest(tmp_path: Path, exported: Exported) -> None:
    directory = tmp_path / "from-elsewhere" / "1"
    directory.mkdir(parents=True)
    shutil.copy(exported.directory / MODEL_FILE, directory)
    fields = json.loads(exported.manifest.to_json())
    for optional in ("aspect", "weights_sha256", "precision", "largest_difference", "least_cosine"):
        del fields[optional]
    fields |= {"model_id": "from-elsewhere", "licence": "CC0-1.0", "source": "elsewhere"}
    (directory / MANIFEST_FILE).write_text(json.dumps(fields))
    manifest = load_backbone(tmp_path, "from-elsewhere").manifest
    assert (manifest.precision, manifest.aspect, manifest.least_cosine) == ("fp32", "stretch", None)


@pytest.mark.slow
def test_a_timm_backbone_goes_all_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    timm = import_timm("this test")
    # a block of each kind: the next eight of them say nothing more, and take half a minute
    monkeypatch.setattr(timm, "create_model", partial(timm.create_model, depths=(2, 1, 1, 1)))
    torch.manual_seed(0)
    network = build(ARCHITECTURES["megadescriptor-t-224"])
    path = tmp_path / "pytorch_model.bin"
    torch.save({"model": {f"module.{k}": v for k, v in network.network.state_dict().items()}}, path)
    done = export("megadescriptor-t-224", tmp_path, weights=from_file(path))
    assert done.manifest.dimension == 768
    assert done.manifest.licence == "CC-BY-NC-4.0"
    images = np.random.default_rng(5).integers(0, 256, (2, 224, 224, 3), dtype=np.uint8)
    content = (done.directory / MODEL_FILE).read_bytes()
    with torch.no_grad():
        expected = network(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(features(content, images), expected, atol=1e-4)
    unit = load_backbone(tmp_path, "megadescriptor-t-224").embed(list(images))
    for row, vector in zip(expected, unit, strict=True):
        assert isinstance(vector, np.ndarray)
        np.testing.assert_allclose(vector, row / np.linalg.norm(row), atol=1e-5)
    replace_trace(done, monkeypatch)
    eighth = export("megadescriptor-t-224", tmp_path, weights=from_file(path), precision="int8")
    assert eighth.manifest.model_id == "megadescriptor-t-224-int8"
    assert eighth.manifest.least_cosine is not None
    assert eighth.manifest.least_cosine > 0.99
