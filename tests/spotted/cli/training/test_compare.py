from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from click.testing import CliRunner
from PIL import Image

from services.common.store.store import Store
from services.embedder.inference.backbones import MODEL_FILE, Backbone
from spotted.cli.training.compare import compare
from spotted.client import Crop
from spotted.evaluation.retrieval import average_precision
from spotted.training.networks import NetworkSpec, build_network
from spotted.training.runs import RunManifest, write_run
from tests.services.embedder.serving import serving
from tests.spotted.cli.conftest import Machine, machine_of

ANIMALS, EACH = 4, 3


@pytest.fixture
def compared(
    tmp_path: Path, store: Store, backbone: Backbone, models: Path, survey_id: str
) -> Iterator[Machine]:
    """An embedder of two backbones, of which one keeps proportions, and an imported survey."""
    rng = np.random.default_rng(0)
    rows = ["detection_id,camera_id,timestamp,image,individual_id"]
    for animal in range(ANIMALS):
        coat = rng.integers(0, 256, (6, 9, 3), dtype=np.uint8)
        for photograph in range(EACH):
            noise = rng.integers(-60, 60, (48, 72, 3))
            pixels = np.repeat(np.repeat(coat, 8, axis=0), 8, axis=1).astype(int) + noise
            name = f"{animal}-{photograph}"
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(tmp_path / f"{name}.png")
            rows.append(f"{name},A,2024-01-0{animal + 1}T0{photograph}:00Z,{name}.png,animal {animal}")
    rows.append("broken,A,2024-01-08T00:00Z,broken.png,animal 0")
    (tmp_path / "broken.png").write_bytes(b"no image")
    (tmp_path / "cameras.csv").write_text("camera_id,x_m,y_m,start,end\nA,0,0,2024-01-01,2024-01-31\n")
    (tmp_path / "detections.csv").write_text("\n".join(rows) + "\n")
    manifest = replace(backbone.manifest, model_id="padded", aspect="pad")
    file = models / "efficientnet-lite0" / "1" / MODEL_FILE
    padded = Backbone(manifest, onnxruntime.InferenceSession(file), "cpu")
    with serving(store, backbone, padded) as spotted:
        machine = machine_of(tmp_path / "data", spotted)
        arguments = ["--cameras", str(tmp_path / "cameras.csv"), "--timezone", "UTC", "--survey", survey_id]
        done = machine.run("import", *arguments, "--detections", str(tmp_path / "detections.csv"))
        assert done.exit_code == 0, done.stderr
        yield machine


def test_each_backbone_is_measured_and_nothing_is_stored(
    compared: Machine, survey_id: str, tmp_path: Path
) -> None:
    arguments = ("compare-backbones", "efficientnet-lite0", "padded", survey_id)
    done = compared.run(*arguments, "--json")
    assert done.exit_code == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["queries"], document["individuals"], document["failed"]) == (12, 4, 1)
    assert compared.spotted.survey(survey_id).info().detection_count == 0
    names = [f"{animal}-{photograph}" for animal in range(ANIMALS) for photograph in range(EACH)]
    precisions = []
    for one in document["backbones"]:
        crops = [Crop(name, (tmp_path / f"{name}.png").read_bytes()) for name in names]
        found = [e.vector for e in compared.spotted.embed(crops, model_id=one["name"])]
        vectors = np.stack([vector for vector in found if vector is not None])
        cosines = vectors @ vectors.T
        animal = np.arange(12) // EACH
        expected = []
        for query in range(12):
            order = [row for row in np.argsort(-cosines[query], kind="stable").tolist() if row != query]
            expected.append(average_precision(animal[order] == animal[query]))
        precisions.append(np.mean(expected))
        assert one["score"]["mean_average_precision"] == pytest.approx(precisions[-1], abs=1e-6)
    gain = document["difference"]["mean_average_precision"]
    assert gain == pytest.approx(precisions[1] - precisions[0], abs=1e-6)
    text = compared.run(*arguments)
    assert "12 queries of 4 individuals" in text.stdout
    assert "rank correlation" in text.stdout
    assert "1 photograph left out" in text.stderr


def test_a_backbone_agrees_with_itself_and_an_unknown_one_is_named(compared: Machine, survey_id: str) -> None:
    same = compared.run("compare-backbones", "padded", "padded", survey_id, "--other-encounters", "--json")
    document = json.loads(same.stdout)
    assert document["rank_correlation"] == 1.0
    assert document["difference"]["top"]["1"] == document["only_first"] == 0.0
    unknown = compared.run("compare-backbones", "padded", "nosuch", survey_id)
    assert unknown.exit_code == 4
    assert "nosuch" in unknown.stderr


def test_a_training_is_compared_before_it_is_exported(
    compared: Machine, survey_id: str, tmp_path: Path
) -> None:
    spec = NetworkSpec("test_vit", image_size=32, pooling="default", batch_norm=False)
    write_run(tmp_path / "run", RunManifest("coats", "arcface", spec), build_network(spec))
    done = compared.run("compare-backbones", "padded", str(tmp_path / "run"), survey_id, "--json")
    assert done.exit_code == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["backbones"][1]["name"] == str(tmp_path / "run")
    assert (document["queries"], document["failed"]) == (12, 1)


def test_the_help_says_what_is_compared() -> None:
    shown = CliRunner().invoke(compare, ["--help"]).output
    assert "FIRST SECOND SURVEY" in shown
    assert "nothing is stored" in " ".join(shown.split())
