"""Generated coats: photographs of animals that differ only in where their spots are."""

from __future__ import annotations

import cv2
import numpy as np

from spotted.arrays import ByteArray, Float32Array, IntArray

CANVAS = 96
SPOTS = 16


def coat_crops(animals: int, each: int, *, size: int = 48, seed: int) -> tuple[ByteArray, IntArray]:
    """Crops (animals * each, size, size, 3) and the animal of each.

    Photographs of one animal differ in angle, place, scale, light, colour and noise, so that equal pixels say
    little; the spots are what stays.
    """
    rng = np.random.default_rng(seed)
    crops = [
        _photograph(coat, size, rng) for coat in (_coat(rng) for _ in range(animals)) for _ in range(each)
    ]
    return np.stack(crops), np.repeat(np.arange(animals), each)


def rank_one(vectors: Float32Array, animals: IntArray) -> float:
    """Share of photographs whose most similar other one shows the same animal."""
    similarity = vectors @ vectors.T
    np.fill_diagonal(similarity, -np.inf)
    return float((animals[similarity.argmax(axis=1)] == animals).mean())


def _coat(rng: np.random.Generator) -> ByteArray:
    coat = np.full((CANVAS, CANVAS), 200, dtype=np.uint8)
    for _ in range(SPOTS):
        centre = (int(rng.integers(CANVAS)), int(rng.integers(CANVAS)))
        axes = (int(rng.integers(4, 13)), int(rng.integers(4, 9)))
        cv2.ellipse(coat, centre, axes, float(rng.uniform(0, 180)), 0, 360, 60, -1)
    return coat


def _photograph(coat: ByteArray, size: int, rng: np.random.Generator) -> ByteArray:
    middle = (CANVAS / 2, CANVAS / 2)
    matrix = cv2.getRotationMatrix2D(middle, float(rng.uniform(-20, 20)), float(rng.uniform(0.85, 1.15)))
    shift = np.zeros((2, 3))
    shift[:, 2] = rng.uniform(-8, 8, 2)
    moved = cv2.warpAffine(coat, matrix + shift, (CANVAS, CANVAS), borderMode=cv2.BORDER_REFLECT)
    small = cv2.resize(moved, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32)
    ramp = np.linspace(rng.uniform(0.5, 1.0), rng.uniform(0.5, 1.0), size, dtype=np.float32)
    tint = rng.uniform(0.6, 1.2, 3).astype(np.float32)
    lit = (small * ramp)[:, :, None] * tint + rng.normal(0, 12, (size, size, 3))
    return lit.clip(0, 255).astype(np.uint8)
