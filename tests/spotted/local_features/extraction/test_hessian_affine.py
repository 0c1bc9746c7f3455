from __future__ import annotations

import importlib
from dataclasses import replace

import numpy as np
import pytest

from spotted.errors import PreconditionError
from spotted.local_features.chips import make_chip
from spotted.local_features.extraction import hessian_affine
from spotted.local_features.extraction.hessian_affine import HessianAffineExtractor
from spotted.local_features.extraction.sift import root_sift
from spotted.local_features.matching.lnbnn import Lnbnn
from spotted.local_features.matching.normalisers import Normalisers
from spotted.local_features.methods import HOTSPOTTER_AFFINE
from tests.spotted.marked_coats import coat, turned


@pytest.fixture
def pyhesaff() -> None:
    pytest.importorskip("pyhesaff", reason="the extra `hesaff` is not installed")


@pytest.mark.usefixtures("pyhesaff")
def test_the_largest_keypoints_are_kept_with_the_area_of_their_ellipses() -> None:
    chip = make_chip(coat(1), HOTSPOTTER_AFFINE.chip_size_px, enlarged=False)
    found, sift = importlib.import_module("pyhesaff").detect_feats_in_image(chip[:, :, ::-1].copy())
    features = HessianAffineExtractor(replace(HOTSPOTTER_AFFINE, most_points=40)).extract(coat(1))
    # a plain loop: the matrix ((a, 0), (c, d)) maps the unit circle to an ellipse of pi r^2
    radii = [np.sqrt(np.linalg.det(np.array([[a, 0.0], [c, d]]))) for _, _, a, c, d, _ in found]
    largest = sorted(range(len(found)), key=lambda i: -radii[i])[:40]
    assert len(features) == 40 < len(found)
    np.testing.assert_allclose(features.points[:, 2], np.array(radii)[largest], rtol=0.01)
    np.testing.assert_allclose(features.points[:, :2], found[largest, :2], atol=0.1)
    assert (features.descriptors == root_sift(sift[largest].astype(np.float32))).all()
    assert HessianAffineExtractor().extract(coat(1)).to_bytes() == (
        HessianAffineExtractor().extract(coat(1)).to_bytes()
    )


@pytest.mark.usefixtures("pyhesaff")
def test_photographs_of_one_coat_match_and_those_of_others_do_not() -> None:
    extractor = HessianAffineExtractor()
    pictures = [coat(1), turned(coat(1), 4.0)[0], coat(2), coat(3)]
    features = [extractor.extract(picture) for picture in pictures]
    normalisers = Normalisers.sample(features, ["a", "b", "c", "d"], rng=np.random.default_rng(0))
    lnbnn = Lnbnn(HOTSPOTTER_AFFINE, normalisers)
    ready = [lnbnn.prepare(one, owner) for one, owner in zip(features, "abcd", strict=True)]
    same, *others = lnbnn.match_shortlist(ready[0], ready[1:])
    assert len(same) >= 4
    assert same.score > 5 * max(other.score for other in others)


@pytest.mark.usefixtures("pyhesaff")
def test_a_mask_keeps_only_keypoints_inside() -> None:
    mask = np.zeros(coat(1).shape[:2], dtype=np.bool_)
    mask[:, :180] = True
    features = HessianAffineExtractor().extract(coat(1), mask)
    scale = features.size[0] / coat(1).shape[1]
    assert 0 < len(features) < len(HessianAffineExtractor().extract(coat(1)))
    assert features.points[:, 0].max() <= 181 * scale
    assert not len(HessianAffineExtractor().extract(coat(1), np.zeros_like(mask)))


@pytest.mark.usefixtures("pyhesaff")
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (7, 9), (16, 300)])
def test_a_crop_of_a_few_pixels_has_no_features(size: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    assert not len(HessianAffineExtractor().extract(picture))


def test_without_the_package_the_error_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(f"No module named {name!r}")

    hessian_affine._detector.cache_clear()
    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(PreconditionError, match=r"pyhesaff.*install the extra `hesaff`"):
        HessianAffineExtractor().extract(coat(1))
