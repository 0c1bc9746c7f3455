"""Descriptors of networks as bytes: elements of unit vectors in steps of 1/254 around 128.

Distances need no decoding, since the offset cancels. Elements beyond half of the length are clipped: a unit
vector of 64 or more elements hardly has one.
"""

from __future__ import annotations

import numpy as np

from spotted.arrays import ByteArray, Float32Array, FloatArray

CENTRE = 128
# length of a unit vector in steps
LENGTH = 254.0
LARGEST_STEP = 127


def quantise(vectors: FloatArray) -> ByteArray:
    """Unit vectors (n, d) as bytes.

    >>> import numpy as np
    >>> quantise(np.array([[0.0, 0.25, -0.5, 0.9]])).tolist()
    [[128, 192, 1, 255]]
    """
    steps = np.clip(np.round(vectors * LENGTH), -LARGEST_STEP, LARGEST_STEP)
    return np.asarray(steps + CENTRE).astype(np.uint8)


def dequantise(descriptors: ByteArray) -> Float32Array:
    """Unit vectors (n, d) of bytes; those without length stay 0."""
    vectors = descriptors.astype(np.float32) - CENTRE
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1.0))
