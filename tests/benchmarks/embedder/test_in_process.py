from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks.common.crops import jpeg_crops
from benchmarks.common.models import VIT_TINY, WIDTH, exported
from benchmarks.embedder.in_process import InProcess
from services.embedder.inference.backbones import is_intact, load_backbone, read_manifest


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory of models with a vision transformer of two blocks, which is soon traced."""
    directory = tmp_path_factory.mktemp("models")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmarks.common.models.DEPTH", 2)
        exported(VIT_TINY, directory)
        yield directory


def test_the_exported_vision_transformer_is_a_backbone_as_deployed(models: Path) -> None:
    directory = models / VIT_TINY / "1"
    manifest = read_manifest(directory)
    assert is_intact(directory, manifest)
    backbone = load_backbone(models, VIT_TINY)
    one, other = backbone.embed([np.zeros((224, 224, 3), np.uint8), np.full((224, 224, 3), 255, np.uint8)])
    assert isinstance(one, np.ndarray)
    assert isinstance(other, np.ndarray)
    assert one.shape == (WIDTH,) == (manifest.dimension,)
    assert not np.allclose(one, other)


def test_a_present_export_is_not_written_again(models: Path) -> None:
    before = (models / VIT_TINY / "1" / "model.onnx").stat().st_mtime_ns
    exported(VIT_TINY, models)
    assert (models / VIT_TINY / "1" / "model.onnx").stat().st_mtime_ns == before


def test_threads_share_out_every_file_once(models: Path) -> None:
    in_process = InProcess(VIT_TINY, workers=2, models=models)
    numbers = list(range(23))
    seen: list[int] = []
    in_process._share_out(numbers, lambda _, some: seen.extend(some))
    assert sorted(seen) == numbers


def test_calls_one_by_one_are_timed_each(models: Path) -> None:
    taken = InProcess(VIT_TINY, workers=1, models=models).one_by_one(jpeg_crops(3))
    assert len(taken) == 3
    assert min(taken) > 0
