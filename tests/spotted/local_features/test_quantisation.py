from __future__ import annotations

import numpy as np

from spotted.local_features.quantisation import LENGTH, dequantise, quantise


def test_distances_of_bytes_are_those_of_the_vectors() -> None:
    vectors = np.random.default_rng(0).normal(size=(40, 128))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    bytes_ = quantise(vectors).astype(float)
    found = np.linalg.norm(bytes_[:, None] - bytes_[None], axis=2) / LENGTH
    expected = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    # 128 elements, each rounded to half a step twice
    assert np.abs(found - expected).max() < np.sqrt(128.0) / LENGTH
    np.testing.assert_allclose(dequantise(quantise(vectors)), vectors, atol=0.003)


def test_a_vector_without_length_stays_without() -> None:
    assert not dequantise(quantise(np.zeros((2, 64)))).any()
