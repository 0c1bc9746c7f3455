from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spotted.local_features.features import HEADER, MOST_BYTES, LocalFeatures, no_features
from tests.spotted.marked_coats import drawn_features


@settings(max_examples=25, deadline=None)
@given(
    count=st.integers(0, 40),
    seed=st.integers(0, 1000),
    dimension=st.sampled_from([1, 63, 64, 128]),
    step=st.sampled_from([1, 16]),
)
def test_bytes_hold_the_features_to_a_hundredth_of_a_pixel(
    count: int, seed: int, dimension: int, step: int
) -> None:
    rng = np.random.default_rng(seed)
    columns = [rng.uniform(0.5, size, count) for size in (700.0, 467.0, 60.0, 2 * np.pi)]
    points = np.stack(columns, axis=1).astype(np.float32)
    descriptors = (rng.integers(0, 256 // step, (count, dimension)) * step).astype(np.uint8)
    features = LocalFeatures(points, descriptors, (700, 467))
    read = LocalFeatures.from_bytes(features.to_bytes())
    assert np.abs(read.points[:, :2] - points[:, :2]).max(initial=0.0) < 0.01
    np.testing.assert_allclose(read.points[:, 2], points[:, 2], rtol=1e-3)
    turn = np.abs(np.exp(1j * read.points[:, 3]) - np.exp(1j * points[:, 3]))
    assert turn.max(initial=0.0) < 1e-4
    assert np.array_equal(read.descriptors, descriptors)
    assert read.size == (700, 467)


def test_elements_in_steps_of_16_take_4_bits_each() -> None:
    features = drawn_features(400, 2)
    stepped = LocalFeatures(features.points, features.descriptors // 16 * 16, features.size)
    content = stepped.to_bytes()
    assert len(content) == HEADER.size + 400 * (8 + 64)
    assert np.array_equal(LocalFeatures.from_bytes(content).descriptors, stepped.descriptors)
    stepped.descriptors[-1, -1] += 1
    assert len(stepped.to_bytes()) == HEADER.size + 400 * (8 + 128)


def test_elements_of_other_bits_are_refused() -> None:
    content = bytearray(no_features(128, (400, 300)).to_bytes())
    content[5] = 5
    with pytest.raises(ValueError, match="elements of 5 bits, not of 4 or 8"):
        LocalFeatures.from_bytes(bytes(content))


def test_a_second_trip_through_bytes_changes_nothing() -> None:
    once = drawn_features(60, 3).to_bytes()
    assert LocalFeatures.from_bytes(once).to_bytes() == once


def test_the_weakest_points_are_left_out_of_64_kib() -> None:
    features = drawn_features(480, 1)
    many = LocalFeatures(
        np.concatenate([features.points] * 2), np.concatenate([features.descriptors] * 2), features.size
    )
    content = many.to_bytes()
    assert MOST_BYTES - 200 < len(content) <= MOST_BYTES
    read = LocalFeatures.from_bytes(content)
    assert np.array_equal(read.descriptors, many.descriptors[: len(read)])


def test_a_chip_without_keypoints_has_bytes() -> None:
    read = LocalFeatures.from_bytes(no_features(128, (700, 300)).to_bytes())
    assert (len(read), read.descriptors.shape, read.size) == (0, (0, 128), (700, 300))


@pytest.mark.parametrize("position", [0, 4, 5, 6, 8, 10, 12, 14, 18, 30, 34, 100, 289])
def test_every_changed_byte_is_found(position: int) -> None:
    content = bytearray(drawn_features(2, 5).to_bytes())
    content[position] ^= 0x41
    with pytest.raises(ValueError, match="local features"):
        LocalFeatures.from_bytes(bytes(content))


@pytest.mark.parametrize("length", [0, 5, HEADER.size, 100, 289])
def test_a_truncated_file_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="local features have"):
        LocalFeatures.from_bytes(drawn_features(2, 5).to_bytes()[:length])


def test_a_scale_of_nothing_is_refused() -> None:
    features = drawn_features(2, 5)
    points = features.points.copy()
    points[1, 2] = np.nan
    with pytest.raises(ValueError, match="scale"):
        LocalFeatures.from_bytes(LocalFeatures(points, features.descriptors, features.size).to_bytes())
