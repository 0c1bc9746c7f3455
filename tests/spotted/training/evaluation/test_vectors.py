from __future__ import annotations

import numpy as np
import pytest
import torch

from spotted.training.evaluation.vectors import embed_crops
from spotted.training.networks import NetworkSpec, build_network

SPEC = NetworkSpec("test_resnet", image_size=32)


@pytest.mark.parametrize("training", [True, False])
def test_vectors_are_those_of_one_crop_after_the_other(training: bool) -> None:  # noqa: FBT001 - a case
    network = build_network(SPEC).train(training)
    crops = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    found = embed_crops(network, crops, SPEC, batch_size=2)
    assert network.training == training
    network.eval()
    for vector, crop in zip(found, crops, strict=True):
        pixels = (crop - np.array(SPEC.mean)) / np.array(SPEC.std)
        with torch.no_grad():
            one = network(torch.tensor(pixels.transpose(2, 0, 1)[None], dtype=torch.float32))[0].numpy()
        np.testing.assert_allclose(vector, one / np.linalg.norm(one), atol=1e-5)
