"""Drawn coats with marks, the same coat seen from elsewhere, and their features."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from spotted.arrays import ByteArray, Float64Array
from spotted.local_features.extraction.sift import SiftExtractor
from spotted.local_features.features import LocalFeatures

WIDTH, HEIGHT = 360, 240
LENGTH = 512.0


@cache
def coat(seed: int) -> ByteArray:
    """A picture (240, 360, 3) of dark ellipses on a light coat."""
    rng = np.random.default_rng(seed)
    picture = np.full((HEIGHT, WIDTH, 3), 200, dtype=np.uint8)
    for _ in range(90):
        centre = (int(rng.integers(20, WIDTH - 20)), int(rng.integers(20, HEIGHT - 20)))
        axes = (int(rng.integers(3, 14)), int(rng.integers(3, 9)))
        shade = int(rng.integers(20, 120))
        cv2.ellipse(picture, centre, axes, float(rng.uniform(0, 180)), 0, 360, (shade, shade, shade), -1)
    return cv2.GaussianBlur(picture, (0, 0), 1.0).astype(np.uint8)


def turned(picture: ByteArray, degrees: float, *, share: float = 1.0) -> tuple[ByteArray, Float64Array]:
    """The picture turned about its centre and scaled, and the map (3, 3) of its points."""
    matrix = cv2.getRotationMatrix2D((WIDTH / 2.0, HEIGHT / 2.0), degrees, share)
    seen = cv2.warpAffine(picture, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
    return seen.astype(np.uint8), np.vstack([matrix, [0.0, 0.0, 1.0]])


def tilted(picture: ByteArray) -> tuple[ByteArray, Float64Array]:
    """The picture from an angle, and the homography (3, 3) of its points."""
    corners = np.array([[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]], dtype=np.float32)
    seen = corners + np.array([[18, 12], [-9, 4], [-14, -16], [7, -5]], dtype=np.float32)
    matrix = cv2.getPerspectiveTransform(corners, seen)
    warped = cv2.warpPerspective(picture, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
    return warped.astype(np.uint8), np.asarray(matrix, dtype=np.float64)


@cache
def coat_features(seed: int) -> LocalFeatures:
    """The features of a coat."""
    return SiftExtractor().extract(coat(seed))


def drawn_features(count: int, seed: int, *, dimension: int = 128) -> LocalFeatures:
    """Features with random points and descriptors, in a chip of 700 x 467 pixels."""
    rng = np.random.default_rng(seed)
    points = np.column_stack(
        [
            rng.uniform(0, 700, count),
            rng.uniform(0, 467, count),
            rng.uniform(2, 20, count),
            rng.uniform(0, 2 * np.pi, count),
        ]
    ).astype(np.float32)
    descriptors = rng.integers(0, 92, (count, dimension), dtype=np.uint8)
    return LocalFeatures(points, descriptors, (700, 467)).rounded()
