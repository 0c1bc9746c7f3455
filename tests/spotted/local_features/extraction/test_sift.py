from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from spotted.local_features.extraction.sift import SiftExtractor, root_sift
from spotted.local_features.methods import HOTSPOTTER
from tests.spotted.marked_coats import coat, coat_features, turned


def test_distances_of_root_sift_are_those_of_hellinger() -> None:
    sift = np.random.default_rng(0).integers(0, 60, (2, 128)).astype(np.float32)
    one, other = root_sift(sift).astype(float)
    p, q = sift / sift.sum(axis=1, keepdims=True)
    expected = 512.0 * np.sqrt(2.0 - 2.0 * np.sqrt(p * q).sum())
    # 128 elements, each rounded to 8 units twice
    assert abs(np.linalg.norm(one - other) - expected) < 8.0 * np.sqrt(128.0)
    assert not (root_sift(sift) % 16).any()


def test_a_descriptor_of_nothing_stays_nothing() -> None:
    assert not root_sift(np.zeros((1, 128), dtype=np.float32)).any()


def test_features_are_the_strongest_and_equal_with_any_number_of_threads() -> None:
    expected = coat_features(1).to_bytes()
    threads = cv2.getNumThreads()
    try:
        for count in (1, 2, 5):
            cv2.setNumThreads(count)
            # another picture between them leaves no trace
            SiftExtractor().extract(coat(2))
            assert SiftExtractor().extract(coat(1)).to_bytes() == expected
    finally:
        cv2.setNumThreads(threads)
    assert 100 < len(coat_features(1)) <= HOTSPOTTER.most_points


def test_a_mask_keeps_only_keypoints_inside() -> None:
    mask = np.zeros(coat(1).shape[:2], dtype=np.bool_)
    mask[:, :180] = True
    features = SiftExtractor().extract(coat(1), mask)
    assert 30 < len(features) < len(coat_features(1))
    assert features.points[:, 0].max() <= 151
    assert not len(SiftExtractor().extract(coat(1), np.zeros_like(mask)))


def test_a_mask_of_everything_changes_nothing() -> None:
    spec = replace(HOTSPOTTER, most_points=90)
    everything = np.ones(coat(1).shape[:2], dtype=np.bool_)
    assert SiftExtractor(spec).extract(coat(1), everything).to_bytes() == (
        SiftExtractor(spec).extract(coat(1)).to_bytes()
    )
    assert SiftExtractor(spec).extract(coat(1)).to_bytes() == coat_features(1).strongest(90).to_bytes()


def test_a_plain_picture_has_no_features() -> None:
    features = SiftExtractor().extract(np.full((60, 90, 3), 128, dtype=np.uint8))
    assert len(features) == 0
    assert features.size == (90, 60)


def test_large_pictures_are_reduced_and_small_ones_keep_their_pixels() -> None:
    enlarged = cv2.resize(coat(1), None, fx=3.0, fy=3.0, interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    assert SiftExtractor().extract(enlarged).size == coat_features(1).size == (300, 200)
    small = np.ascontiguousarray(coat(1)[:150, :250])
    assert SiftExtractor().extract(small).size == (250, 150)


def test_a_turned_picture_has_the_same_descriptors_turned() -> None:
    seen, matrix = turned(coat(3), 25.0)
    one, other = coat_features(3), SiftExtractor().extract(seen)
    share = 300 / 360
    expected = (np.column_stack([one.points[:, :2] / share, np.ones(len(one))]) @ matrix.T)[:, :2] * share
    apart = np.linalg.norm(expected[:, None] - other.points[None, :, :2], axis=2)
    distances = np.linalg.norm(one.descriptors[:, None].astype(float) - other.descriptors[None], axis=2)
    nearest = distances.argmin(axis=1)
    # keypoints at the border of the picture are lost
    right = apart[np.arange(len(one)), nearest] < 6.0
    assert right.mean() > 0.5
    turn = other.points[nearest[right], 3] - one.points[right, 3] + np.deg2rad(25.0)
    assert np.median(np.abs(np.angle(np.exp(1j * turn)))) < 0.05
