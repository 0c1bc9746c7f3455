from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.common.local_methods import directory_of
from services.embedder.images import separate_process
from services.embedder.images.footprints import footprint
from services.embedder.images.headers import MAX_PIXELS
from services.embedder.images.local_extraction import load_extractor, load_extractors, local_digest
from services.embedder.images.masks import RleMask
from services.embedder.images.parts import PreparedCrop, prepare_parts
from services.embedder.images.photograph import WHOLE_IMAGE, CropPart, Photograph
from services.embedder.images.preprocessing import Preprocessing
from services.embedder.images.tones import Tone
from spotted.boxes.cropping import FractionBox
from spotted.errors import PreconditionError
from spotted.local_features.extraction.by_name import Extractor
from spotted.local_features.features import MOST_BYTES, LocalFeatures
from spotted.local_features.manifests import EXTRACTOR_FILE
from tests.network_methods import write_method
from tests.services.embedder.pictures import encoded

pytest.importorskip("cv2", reason="the extra `local` is not installed")
STEPS = Preprocessing(64)
EXTRACTOR = load_extractor(Path("nosuch"), "hotspotter")
MIDDLE = CropPart(FractionBox(0.25, 0.25, 0.5, 0.5))


@pytest.fixture(scope="module")
def patterned() -> np.ndarray:
    """A picture (240, 320, 3) with many corners."""
    rng = np.random.default_rng(0)
    return np.kron(rng.integers(0, 256, (30, 40, 3)), np.ones((8, 8, 1))).astype(np.uint8)


def prepared(
    content: bytes, part: CropPart = WHOLE_IMAGE, extractor: Extractor | None = EXTRACTOR
) -> PreparedCrop:
    (made,) = prepare_parts(Photograph(content, (part,)), STEPS, extractor)
    assert isinstance(made, PreparedCrop)
    return made


def features(picture: np.ndarray, part: CropPart = WHOLE_IMAGE) -> LocalFeatures:
    made = prepared(encoded(picture), part)
    assert 0 < len(made.local_features) <= MOST_BYTES
    return LocalFeatures.from_bytes(made.local_features)


def test_pixels_are_the_same_with_and_without_local_features(patterned: np.ndarray) -> None:
    content = encoded(patterned)
    without = prepared(content, MIDDLE, None)
    assert without.local_features == b""
    np.testing.assert_array_equal(without.pixels, STEPS.apply(content, MIDDLE))
    np.testing.assert_array_equal(prepared(content, MIDDLE).pixels, without.pixels)


def test_the_features_are_those_of_the_box(patterned: np.ndarray) -> None:
    cut = patterned[60:180, 80:240]
    of_box = prepared(encoded(patterned), MIDDLE)
    assert of_box.local_features == prepared(encoded(cut)).local_features
    assert len(features(cut)) > 20


@pytest.mark.parametrize("theta", [0.0, math.pi / 2])
def test_nothing_outside_the_mask_has_features(patterned: np.ndarray, theta: float) -> None:
    # the left half; turned by a quarter it is the lower or upper half of the crop
    mask = RleMask(240, 320, (0, 240 * 160, 240 * 160))
    part = CropPart(FractionBox(0.125, 0.0, 0.75, 1.0), theta, mask)
    masked = features(patterned, part)
    shares = masked.points[:, :2] / masked.size
    side = shares[:, 0] if not theta else shares[:, 1]
    assert len(masked) > 10
    assert (side <= 0.51).all() or (side >= 0.49).all()
    whole = features(patterned, replace(part, mask=None))
    both = (whole.points[:, :2] / whole.size)[:, int(bool(theta))]
    assert both.min() < 0.4
    assert both.max() > 0.6


def test_the_digest_names_all_that_changes_the_features_and_nothing_else() -> None:
    first = local_digest(EXTRACTOR, STEPS)
    assert local_digest(EXTRACTOR, replace(STEPS, size=128, kernel="bicubic", aspect="pad")) == first
    others = [replace(STEPS, tone=Tone.EQUALISED), replace(STEPS, fill=(1, 2, 3))]
    assert len({first, *(local_digest(EXTRACTOR, steps) for steps in others)}) == 3


@pytest.mark.parametrize("method", ["hotspotter", "blocks"])
def test_a_separate_process_extracts_the_same(patterned: np.ndarray, method: str, tmp_path: Path) -> None:
    write_method(tmp_path)
    extractor = load_extractors(tmp_path)[method]
    image = Photograph(encoded(patterned), (MIDDLE, WHOLE_IMAGE))
    limits = footprint(image, STEPS, local=extractor.needs)
    made = asyncio.run(
        separate_process.prepare(image, STEPS, limits, max_pixels=MAX_PIXELS, extractor=extractor)
    )
    for part, found in zip(image.parts, made, strict=True):
        here = prepared(image.content, part, extractor)
        assert isinstance(found, PreparedCrop)
        assert found.local_features == here.local_features != b""
        np.testing.assert_array_equal(found.pixels, here.pixels)


def test_a_damaged_network_is_refused_at_once(tmp_path: Path) -> None:
    write_method(tmp_path)
    (directory_of(tmp_path, "blocks") / EXTRACTOR_FILE).write_bytes(b"damaged")
    with pytest.raises(PreconditionError, match=r"extractor\.onnx of 'blocks' is not the file"):
        load_extractors(tmp_path)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (7, 9)])
def test_a_crop_of_a_few_pixels_has_features_or_none(size: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    assert LocalFeatures.from_bytes(prepared(encoded(picture)).local_features).size
