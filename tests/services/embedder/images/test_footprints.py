from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from services.common.process import give_back_arrays
from services.embedder.images.decoding import ByteArray, Decoding
from services.embedder.images.footprints import encoded_bytes, footprint, image_footprint, local_footprint
from services.embedder.images.masks import PngMask, RleMask
from services.embedder.images.parts import prepare_parts
from services.embedder.images.photograph import WHOLE_IMAGE, CropPart, Photograph
from services.embedder.images.preprocessing import Preprocessing
from services.embedder.images.tones import Tone
from spotted.boxes.cropping import PixelBox
from spotted.errors import UnreadableImageError
from spotted.local_features.methods import HOTSPOTTER, MethodSpec
from tests.services.embedder.pictures import FORMATS, encoded
from tools.hostile_images import HOSTILE

PLAIN = Preprocessing(224)
EDGE = 2000


def peak_bytes(photograph: Photograph, steps: Preprocessing) -> int:
    """The most memory that an image takes in this process, beside its file."""
    status = Path("/proc/self/status")
    Path("/proc/self/clear_refs").write_text("5")
    before = int(status.read_text().split("VmRSS:")[1].split()[0])
    with suppress(UnreadableImageError):
        prepare_parts(photograph, steps, None)
    return (int(status.read_text().split("VmHWM:")[1].split()[0]) - before) * 1024


@pytest.fixture(scope="module")
def other_process() -> Iterator[ProcessPoolExecutor]:
    """A process that gives freed memory back, so that each image starts from the same base."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=give_back_arrays) as pool:
        yield pool


@cache
def photograph(mode: str) -> Image.Image:
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (EDGE // 20, EDGE // 20, 3), dtype=np.uint8))
    image = coarse.resize((EDGE, EDGE)).convert("RGB" if mode == "RGBA" else mode)
    if mode == "RGBA":
        image.putalpha(image.convert("L"))
    return image


@cache
def file_of(kind: str, mode: str, options: tuple[tuple[str, object], ...]) -> bytes:
    return encoded(photograph(mode), kind, **dict(options))


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="needs Linux's /proc")
@pytest.mark.parametrize(
    ("kind", "mode", "options"),
    [
        ("JPEG", "RGB", {}),
        ("JPEG", "RGB", {"progressive": True, "subsampling": 0}),
        ("JPEG", "L", {}),
        ("JPEG", "CMYK", {"progressive": True}),
        ("PNG", "RGB", {"compress_level": 1}),
        ("PNG", "RGBA", {"compress_level": 1}),
        ("PNG", "P", {"compress_level": 1}),
        ("WEBP", "RGB", {"method": 0}),
        ("WEBP", "RGBA", {"method": 0}),
        ("WEBP", "RGB", {"lossless": True, "method": 0, "quality": 0}),
    ],
)
@pytest.mark.parametrize("more", ["plain", "every step"])
def test_no_image_takes_more_than_its_footprint(
    other_process: ProcessPoolExecutor, kind: str, mode: str, options: dict[str, object], more: str
) -> None:
    content = file_of(kind, mode, tuple(options.items()))
    crop, steps = Photograph(content), PLAIN
    if more != "plain":
        mask = RleMask(EDGE, EDGE, (0, EDGE * EDGE))
        crop = Photograph(content, (CropPart(PixelBox(-100, -100, EDGE + 200, EDGE + 200), 0.5, mask),))
        steps = Preprocessing(224, tone=Tone.EQUALISED, kernel="lanczos")
    estimate = footprint(crop, steps).bytes
    taken = other_process.submit(peak_bytes, crop, steps).result()
    assert taken <= estimate
    # the pixels take this much, so that the measurement saw them
    assert taken > 3 * EDGE * EDGE


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="needs Linux's /proc")
@pytest.mark.parametrize("make", HOSTILE)
def test_no_hostile_image_takes_more_than_its_footprint(
    other_process: ProcessPoolExecutor, make: Callable[[int], bytes]
) -> None:
    crop = Photograph(make(EDGE))
    assert other_process.submit(peak_bytes, crop, PLAIN).result() <= footprint(crop, PLAIN).bytes


def test_cost_grows_with_pixels_scans_and_steps(drawing: ByteArray) -> None:
    plain = footprint(Photograph(encoded(drawing, "JPEG")), PLAIN)
    assert plain.cost == pytest.approx(0.12)
    scans = footprint(Photograph(encoded(drawing, "JPEG", progressive=True)), PLAIN)
    assert scans.cost == pytest.approx(0.12 * (1 + 9 * 0.35))
    toned = footprint(Photograph(encoded(drawing, "JPEG")), Preprocessing(224, tone=Tone.EQUALISED))
    assert toned.cost > 10 * plain.cost
    assert toned.bytes > plain.bytes


def test_an_image_counts_once_and_each_part_by_its_steps(drawing: ByteArray) -> None:
    content = encoded(drawing, "JPEG")
    mask = RleMask(300, 400, (0, 120_000))
    one = footprint(Photograph(content), PLAIN)
    many = footprint(Photograph(content, (WHOLE_IMAGE,) * 16), PLAIN)
    assert many.bytes == one.bytes
    # less than the image decoded for each of them
    assert one.cost < many.cost < 10 * one.cost
    masked = footprint(Photograph(content, (CropPart(mask=mask),)), PLAIN)
    both = footprint(Photograph(content, (WHOLE_IMAGE, CropPart(mask=mask))), PLAIN)
    assert both.bytes == masked.bytes
    assert both.cost == pytest.approx(masked.cost + (many.cost - one.cost) / 15)
    fast = Preprocessing(224, decoding=Decoding.FAST)
    assert footprint(Photograph(content), fast) == one
    # four sizes at most
    assert footprint(Photograph(content, (WHOLE_IMAGE,) * 16), fast).cost == pytest.approx(
        many.cost + 3 * one.cost
    )
    assert encoded_bytes(Photograph(b"12345", (CropPart(mask=PngMask(b"123")), WHOLE_IMAGE))) == 8


@pytest.mark.parametrize("kind", FORMATS)
def test_a_reference_counts_like_a_plain_image(drawing: ByteArray, kind: str) -> None:
    content = encoded(drawing, kind)
    assert image_footprint(content) == footprint(Photograph(content), PLAIN)


@pytest.mark.parametrize(
    "content", [b"hello", b"\xff\xd8\xff\xe0", b"RIFF\0\0\0\0WEBPVP8X", b"\x89PNG\r\n\x1a\n"]
)
def test_a_file_without_a_sound_header_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableImageError, match=r"send|copy it from the camera"):
        footprint(Photograph(content), PLAIN)


def test_masks_count_among_the_bytes_sent() -> None:
    assert encoded_bytes(Photograph(b"12345")) == 5
    assert encoded_bytes(Photograph(b"12345", (CropPart(mask=PngMask(b"123")),))) == 8
    assert encoded_bytes(Photograph(b"12345", (CropPart(mask=RleMask(1, 1, b"12")),))) == 7
    assert encoded_bytes(Photograph(b"12345", (CropPart(mask=RleMask(1, 1, (0, 1))),))) == 85


def test_local_features_take_memory_once_and_time_for_each_part(drawing: ByteArray) -> None:
    spec = MethodSpec("dots", "network", "lightglue", 320, 256, 128, weights_sha256="a" * 64)
    image = Photograph(encoded(drawing), (WHOLE_IMAGE, WHOLE_IMAGE))
    plain = footprint(image, PLAIN)
    sift, network = local_footprint(HOTSPOTTER), local_footprint(spec)
    for local in (sift, network):
        found = footprint(image, PLAIN, local=local)
        assert found.bytes == plain.bytes + local.bytes
        assert found.cost == pytest.approx(plain.cost + 2 * local.cost)
    larger = local_footprint(replace(spec, chip_size_px=640))
    assert larger.bytes == 4 * network.bytes
    assert larger.cost == pytest.approx(4 * network.cost)
