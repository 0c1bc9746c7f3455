from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from services.embedder.inference import devices
from services.embedder.inference.backbones import MODEL_FILE
from spotted.errors import PreconditionError


@pytest.fixture
def model(models: Path) -> Path:
    return models / "efficientnet-lite0" / "1" / MODEL_FILE


def test_a_batch_is_a_budget_of_pixels() -> None:
    assert devices.max_batch("cpu", 224) == 4
    assert devices.max_batch("cpu", 440) == 1
    assert devices.max_batch("cpu", 2000) == 1
    assert devices.max_batch("cuda", 448) * 4 == devices.max_batch("cuda", 224)


def test_a_lane_gives_what_a_plain_run_gives_and_keeps_nothing(model: Path) -> None:
    session = devices.open_session(model, "cpu", threads=1, input_size=224)
    images = np.random.default_rng(0).integers(0, 256, (3, 224, 224, 3), dtype=np.uint8)
    (expected,) = session.run(None, {devices.INPUT: images})
    lane = devices.Lane(session, 4, 224)
    found = lane.run(list(images))
    np.testing.assert_array_equal(found, expected)
    # an answer stays as it was when its lane runs again, and a shorter batch does not see a longer one's rest
    (last,) = lane.run([images[2]])
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(last, expected[2], atol=1e-4)


@pytest.mark.parametrize("device", ["cuda", "tensorrt"])
def test_an_absent_gpu_is_an_error_and_never_the_cpu(model: Path, device: str) -> None:
    if any("CUDA" in provider for provider in onnxruntime.get_available_providers()):
        pytest.skip("this onnxruntime has the GPU")
    with pytest.raises(PreconditionError, match=f"device '{device}' needs .*SPOTTED_DEVICE=cpu"):
        devices.open_session(model, device, threads=1, input_size=224)


def test_tensorrt_gets_the_batch_sizes_in_advance_and_caches_its_engines(model: Path) -> None:
    options = devices._provider_options("TensorrtExecutionProvider", model, "tensorrt", 224)
    assert options["trt_profile_min_shapes"] == "pixels:1x224x224x3"
    assert options["trt_profile_max_shapes"] == f"pixels:{devices.max_batch('tensorrt', 224)}x224x224x3"
    assert options["trt_engine_cache_path"] == str(model.parent / "tensorrt")
