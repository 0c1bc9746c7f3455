from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.pooling import BASE, Subject, compare, pool, pooled_vectors
from services.embedder.export.__main__ import Exported
from services.embedder.export.pooling import RegionalMaxima
from services.embedder.inference.backbones import load_backbone
from spotted.evaluation.retrieval import measure_retrieval
from spotted.scoring.fusion import Fusion
from spotted.training.networks import GeneralisedMean
from tests.benchmarks.retrieval.test_scores import survey


def test_the_poolings_are_those_of_the_networks() -> None:
    maps = np.random.default_rng(0).random((3, 5, 8, 8), dtype=np.float32)
    found, tensor = pool(maps), torch.from_numpy(maps)
    np.testing.assert_allclose(found["mean"], maps.reshape(3, 5, -1).mean(axis=2), rtol=1e-5)
    np.testing.assert_allclose(found["max"], maps.reshape(3, 5, -1).max(axis=2))
    np.testing.assert_allclose(found["gem"], GeneralisedMean()(tensor).detach().numpy(), rtol=1e-5)
    np.testing.assert_allclose(found["rmac"], RegionalMaxima()(tensor).numpy(), rtol=1e-5)


def test_the_mean_at_the_size_of_the_backbone_is_its_vector(exported: Exported, tmp_path: Path) -> None:
    path = tmp_path / "noise.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)).save(path)
    backbone = load_backbone(exported.directory.parent.parent, exported.manifest.model_id)
    (expected,) = backbone.embed([backbone.preprocessing.apply(path.read_bytes())])
    vectors, cost_s = pooled_vectors([path], exported.directory, 224, tmp_path)
    assert np.stack([expected]) == pytest.approx(vectors["mean"], abs=1e-5)  # type: ignore[list-item] # none failed
    # the second time they are read
    path.unlink()
    again, cost_again_s = pooled_vectors([path], exported.directory, 224, tmp_path)
    assert (again["rmac"] == vectors["rmac"]).all()
    assert cost_again_s == cost_s


def test_values_are_those_of_the_evaluation_and_gains_are_over_the_base() -> None:
    known = survey(1)
    names = ["" if one < 0 else str(one) for one in known.individuals.tolist()]
    subject = Subject(
        "s", known.gallery, names, ("",) * 60, (), {"visual": Fusion.VISUAL, "fused": Fusion.PRODUCT}
    )
    base = known.gallery.embeddings.astype(np.float32)
    truth = np.eye(13, dtype=np.float32)[known.individuals]
    lines = {(one.pooling, one.score): one for one in compare(subject, {BASE: base, (384, "rmac"): truth})}
    whole = measure_retrieval(known.gallery, names, fusion=Fusion.PRODUCT, ks=(1, 5))
    values = [one.value for one in lines["mean", "fused"].values]
    assert values == pytest.approx([*whole.top.values(), whole.mean_average_precision])
    assert [one.value for one in lines["mean", "fused"].gains] == [0.0, 0.0, 0.0]
    assert lines["rmac", "visual"].values[0].value == 1.0
    expected = 1.0 - lines["mean", "visual"].values[0].value
    assert lines["rmac", "visual"].gains[0].value == pytest.approx(expected)
