from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from services.embedder.export.__main__ import Exported, export
from services.embedder.export.architectures import build, resized
from services.embedder.export.checkpoints import from_file
from services.embedder.export.runs import from_run
from services.embedder.export.variants import LEAST_COSINE, Precision
from services.embedder.inference.backbones import load_backbone
from services.embedder.inference.cell_maps import CELLS_FILE
from spotted.errors import AlreadyExistsError, InvalidInputError, PreconditionError
from spotted.training.evaluation.vectors import embed_crops
from spotted.training.images.crops import read_crop
from spotted.training.networks import NetworkSpec, build_network
from spotted.training.photographs.photograph import Photograph
from spotted.training.runs import RunManifest, load_network, write_run
from tests.services.embedder.export.test_main import replace_trace
from tests.spotted.training.coat_table import write_coats

SPEC = NetworkSpec("test_vit", image_size=32, pooling="default", batch_norm=True)
RUN = RunManifest("coats", "arcface", SPEC, photographs=20, individuals=5, licence="CC0-1.0")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished training, with random weights."""
    folder = tmp_path_factory.mktemp("run")
    write_run(folder, RUN, build_network(SPEC, seed=4))
    return folder


@pytest.fixture(scope="module")
def exported_run(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return export(str(run), tmp_path_factory.mktemp("models"))


def test_the_embedder_serves_the_vectors_of_the_training(
    run: Path, exported_run: Exported, tmp_path: Path
) -> None:
    write_coats(tmp_path, 1, 3, size=40)
    photographs = [Photograph("", tmp_path / f"{number}.png") for number in range(3)]
    crops = np.stack([read_crop(photograph, 32) for photograph in photographs])
    backbone = load_backbone(exported_run.directory.parent.parent, "coats")
    prepared = [backbone.preprocessing.apply(photograph.path.read_bytes()) for photograph in photographs]
    assert np.array_equal(np.stack(prepared), crops)
    expected = embed_crops(load_network(run)[1], crops, SPEC)
    np.testing.assert_allclose(np.stack(backbone.embed(prepared)), expected, atol=1e-4)  # type: ignore[arg-type] # none failed


def test_a_manifest_says_where_it_comes_from(exported_run: Exported) -> None:
    manifest = exported_run.manifest
    assert (manifest.model_id, manifest.dimension, manifest.input_size) == ("coats", 64, 32)
    assert (manifest.licence, manifest.resize_kernel) == ("CC0-1.0", "bilinear")
    # its vector is that of a class token
    assert not (exported_run.directory / CELLS_FILE).exists()
    assert manifest.source.startswith("trained by arcface on 20 photographs of 5 animals (recipe ")
    assert manifest.least_cosine is not None
    assert manifest.least_cosine > 0.99999


def test_a_second_export_changes_nothing_and_another_training_is_a_version(
    run: Path, exported_run: Exported, tmp_path: Path
) -> None:
    models = exported_run.directory.parent.parent
    assert not export(str(run), models).fresh
    write_run(tmp_path, RUN, build_network(SPEC, seed=5))
    with pytest.raises(
        AlreadyExistsError, match=r"was exported from other weights .* export these as --version 2"
    ):
        export(str(tmp_path), models)


def test_a_transformer_of_ones_own_keeps_its_size_and_a_convolutional_network_takes_others(
    run: Path, tmp_path: Path
) -> None:
    with pytest.raises(
        InvalidInputError, match="coats has weights for images of 32 px only; omit --image-size"
    ):
        export(str(run), tmp_path, image_size=64)
    network = NetworkSpec("test_resnet", image_size=32, batch_norm=False)
    write_run(tmp_path, replace(RUN, network=network), build_network(network))
    larger = resized(from_run(tmp_path)[0], 64)
    assert (larger.model_id, larger.input_size) == ("coats-64", 64)
    assert build(larger)(torch.zeros(1, 64, 64, 3, dtype=torch.uint8)).shape == (1, larger.dimension)


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_a_transformer_of_ones_own_is_made_smaller_without_photographs(
    precision: Precision, run: Path, exported_run: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_trace(exported_run, monkeypatch)
    done = export(str(run), tmp_path, precision=precision)
    assert done.manifest.model_id == f"coats-{precision}"
    assert done.manifest.least_cosine is not None
    assert done.manifest.least_cosine > LEAST_COSINE[precision]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("miewid-msv3", 'is a published backbone; set another "name" in its run.json'),
        ("../lions", "cannot be the name of a folder"),
    ],
)
def test_a_name_that_cannot_be_served_is_refused(name: str, message: str, tmp_path: Path) -> None:
    write_run(tmp_path, RunManifest(name, "arcface", SPEC), build_network(SPEC))
    with pytest.raises(InvalidInputError, match=message):
        from_run(tmp_path)


def test_weights_that_are_not_those_of_the_training_are_refused(run: Path, tmp_path: Path) -> None:
    write_run(tmp_path, RUN, build_network(SPEC))
    weights = tmp_path / "network.safetensors"
    with pytest.raises(InvalidInputError, match="is a finished training and has its weights; omit --weights"):
        export(str(run), tmp_path, weights=from_file(weights))
    weights.write_bytes((run / "network.safetensors").read_bytes())
    with pytest.raises(PreconditionError, match=r"is not the file that was written with run\.json"):
        from_run(tmp_path)
