from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
import torch

from spotted.errors import InvalidInputError
from spotted.training.networks import GeneralisedMean, NetworkSpec, build_network, for_any_size


def images(count: int, size: int) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("spec", "dimension"),
    [
        (NetworkSpec("test_resnet", image_size=32), 96),
        (NetworkSpec("test_vit", image_size=32, patch_size=8, pooling="default", batch_norm=False), 64),
        (NetworkSpec("efficientnet-lite0", image_size=64), 1280),
        (NetworkSpec("efficientnet-lite0", image_size=64, pooling="default"), 1280),
    ],
)
def test_images_become_vectors_of_the_stated_dimension(spec: NetworkSpec, dimension: int) -> None:
    network = build_network(spec)
    assert network.dimension == dimension
    assert network(images(2, spec.image_size)).shape == (2, dimension)


def test_the_first_weights_are_those_of_the_seed_and_move_no_other_chance() -> None:
    spec = NetworkSpec("test_vit", image_size=32, pooling="default")
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, again, other = (build_network(spec, seed=seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (NetworkSpec("resnet_of_lions"), "timm has no network 'resnet_of_lions'; names near it: "),
        (NetworkSpec("test_vit", image_size=32), "test_vit has no feature map .*; use its default pooling"),
        (
            NetworkSpec("test_resnet", image_size=32, patch_size=8),
            "test_resnet cannot be built for images of 32",
        ),
    ],
)
def test_a_network_that_cannot_be_is_refused_with_the_remedy(spec: NetworkSpec, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        build_network(spec)


def test_the_generalised_mean_is_that_of_a_plain_loop() -> None:
    maps = np.random.default_rng(2).normal(size=(2, 3, 4, 5)).astype(np.float32)
    found = GeneralisedMean()(torch.from_numpy(maps)).detach().numpy()
    assert found.shape == (2, 3)
    for image, channel in product(range(2), range(3)):
        cubes = [max(float(x), 1e-6) ** 3 for x in maps[image, channel].flat]
        assert found[image, channel] == pytest.approx(math.cbrt(sum(cubes) / len(cubes)), rel=1e-5)


@pytest.mark.parametrize(("power", "reduced"), [(1.0, np.mean), (80.0, np.max)])
def test_the_generalised_mean_lies_between_mean_and_maximum(power: float, reduced: np.ufunc) -> None:
    maps = np.random.default_rng(3).uniform(0.5, 1.0, (2, 3, 4, 5)).astype(np.float32)
    pooling = GeneralisedMean()
    pooling.p.data.fill_(power)
    found = pooling(torch.from_numpy(maps)).detach().numpy()
    np.testing.assert_allclose(found, reduced(maps, axis=(2, 3)), rtol=0.05)


def test_a_transformer_takes_other_sizes_with_the_same_weights() -> None:
    spec = NetworkSpec("test_vit", image_size=48, pooling="default", batch_norm=False)
    network = build_network(spec).eval()
    free = for_any_size(network, spec).eval()
    torch.testing.assert_close(free(images(2, 48)), network(images(2, 48)))
    assert free(images(2, 16)).shape == (2, network.dimension)
    assert free.state_dict().keys() == network.state_dict().keys()
    resnet = NetworkSpec("test_resnet", image_size=32)
    convolutional = build_network(resnet)
    assert for_any_size(convolutional, resnet) is convolutional
    mixer = NetworkSpec("mixer_s32_224", image_size=224, pooling="default", batch_norm=False)
    with pytest.raises(InvalidInputError, match="takes images of one size only; train without small crops"):
        for_any_size(network, mixer)
