from __future__ import annotations

import numpy as np

from benchmarks.common.crops import jpeg_crops
from benchmarks.common.models import MODELS, VIT_TINY, WIDTH, exported
from benchmarks.embedder.in_process import InProcess
from services.embedder.inference.backbones import is_intact, load_backbone, read_manifest


def test_the_exported_vision_transformer_is_a_backbone_as_deployed() -> None:
    manifest = exported(VIT_TINY)
    directory = MODELS / VIT_TINY / "1"
    assert is_intact(directory, read_manifest(directory))
    backbone = load_backbone(MODELS, VIT_TINY)
    one, other = backbone.embed([np.zeros((224, 224, 3), np.uint8), np.full((224, 224, 3), 255, np.uint8)])
    assert isinstance(one, np.ndarray)
    assert isinstance(other, np.ndarray)
    assert one.shape == (WIDTH,) == (manifest.dimension,)
    assert not np.allclose(one, other)


def test_a_present_export_is_not_written_again() -> None:
    exported(VIT_TINY)
    before = (MODELS / VIT_TINY / "1" / "model.onnx").stat().st_mtime_ns
    exported(VIT_TINY)
    assert (MODELS / VIT_TINY / "1" / "model.onnx").stat().st_mtime_ns == before


def test_threads_share_out_every_file_once() -> None:
    in_process = InProcess(VIT_TINY, workers=2)
    numbers = list(range(23))
    seen: list[int] = []
    in_process._share_out(numbers, lambda _, some: seen.extend(some))
    assert sorted(seen) == numbers


def test_calls_one_by_one_are_timed_each() -> None:
    taken = InProcess(VIT_TINY, workers=1).one_by_one(jpeg_crops(3))
    assert len(taken) == 3
    assert min(taken) > 0
