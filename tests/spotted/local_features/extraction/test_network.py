from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from spotted.local_features.extraction.network import NetworkExtractor
from spotted.local_features.methods import MethodSpec
from spotted.local_features.quantisation import quantise

SPEC = MethodSpec("bright", "network", "lnbnn", 96, 5, 64)


class Brightest:
    """Stands for a network: the brightest valid pixels, each described by its place."""

    def run(
        self, outputs: Sequence[str], inputs: Mapping[str, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        assert outputs == ["points", "strengths", "descriptors"]
        pixels, valid = inputs["pixels"], inputs["valid"]
        assert pixels.shape == (1, 96, 96, 3)
        assert pixels.dtype == valid.dtype == np.uint8
        strengths = (pixels[0, :, :, 0] * valid[0]).ravel() / np.float32(255)
        best = np.argsort(strengths)[-12:]
        points = np.stack([best % 96, best // 96], axis=1).astype(np.float32)
        return points, strengths[best], np.eye(64, dtype=np.float32)[best % 64]


def picture() -> np.ndarray:
    drawn = np.zeros((48, 96, 3), dtype=np.uint8)
    for rank, (row, column) in enumerate([(5, 7), (40, 80), (20, 30), (31, 60)]):
        drawn[row, column] = 250 - 40 * rank
    return drawn


def test_points_come_strongest_first_and_those_without_strength_are_left_out() -> None:
    features = NetworkExtractor(SPEC, Brightest()).extract(picture())
    assert features.points[:, :2].round().tolist() == [[7, 5], [80, 40], [30, 20], [60, 31]]
    assert features.size == (96, 48)
    assert np.array_equal(features.descriptors[0], quantise(np.eye(64)[(5 * 96 + 7) % 64][None])[0])


def test_neither_the_mask_nor_the_area_below_the_chip_has_keypoints() -> None:
    mask = np.zeros((48, 96), dtype=np.bool_)
    mask[:, 50:] = True
    features = NetworkExtractor(SPEC, Brightest()).extract(picture(), mask)
    assert features.points[:, 0].round().tolist() == [80, 60]
    bright = np.full((10, 96, 3), 200, dtype=np.uint8)
    found = NetworkExtractor(SPEC, Brightest()).extract(bright)
    assert len(found) == SPEC.most_points
    assert found.points[:, 1].max() < 10
    nothing = NetworkExtractor(SPEC, Brightest()).extract(picture(), np.zeros_like(mask))
    assert nothing.descriptors.shape == (0, 64)
