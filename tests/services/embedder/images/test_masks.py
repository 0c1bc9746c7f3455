from __future__ import annotations

import struct
import tracemalloc
import zlib
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from services.embedder.images.masks import MAX_RUNS, BoolArray, PngMask, RleMask, apply_mask, read_mask
from spotted.errors import UnreadableImageError
from tests.services.embedder.pictures import encoded

# the disc below, encoded by pycocotools 2.0
COCO_TEXT = "P67f02N2N2N2O0O2O0O2O000000000000000000AJ66JJ66JJ67II68JH696101N2N2N2N[4"


@pytest.fixture
def disc() -> BoolArray:
    """An ellipse with a hole, (30, 40)."""
    rows, columns = np.mgrid[0:300:10, 0:400:10]
    ellipse: BoolArray = ((rows - 150) / 100) ** 2 + ((columns - 200) / 150) ** 2 < 1
    hole: BoolArray = (rows - 120) ** 2 + (columns - 260) ** 2 < 900
    return ellipse & ~hole


def plain_runs(mask: BoolArray) -> list[int]:
    """COCO's run lengths, column by column, in a loop."""
    runs, value = [0], False
    for pixel in mask.T.ravel():
        if pixel != value:
            runs.append(0)
            value = not value
        runs[-1] += 1
    return runs


def plain_text(runs: Sequence[int]) -> bytes:
    """COCO's compressed text of run lengths, in a loop."""
    text = bytearray()
    for index, run in enumerate(runs):
        number = run - runs[index - 2] if index > 2 else run
        more = True
        while more:
            bits, number = number & 31, number >> 5
            more = number != (-1 if bits & 16 else 0)
            text.append(48 + bits + 32 * more)
    return bytes(text)


def test_the_text_of_the_coco_tools_is_read(disc: BoolArray) -> None:
    assert np.array_equal(read_mask(RleMask(30, 40, COCO_TEXT), width=40, height=30), disc)
    assert plain_text(plain_runs(disc)).decode() == COCO_TEXT


@settings(max_examples=100, deadline=None)
@given(
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    share=st.floats(0, 1),
    seed=st.integers(0, 2**32 - 1),
)
def test_run_lengths_and_their_text_give_the_mask(height: int, width: int, share: float, seed: int) -> None:
    drawn = np.random.default_rng(seed).random((height, width)) < share
    runs = plain_runs(drawn)
    for counts in (runs, plain_text(runs), plain_text(runs).decode()):
        found = read_mask(RleMask(height, width, counts), width=width, height=height)
        assert np.array_equal(found, drawn)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "I;16"])
def test_pixels_of_a_png_that_are_not_0_show_the_animal(disc: BoolArray, mode: str) -> None:
    image = Image.fromarray(disc.astype(np.uint16) * 3) if mode == "I;16" else None
    if mode == "RGB":
        image = Image.fromarray(disc[:, :, None] * np.array([0, 0, 1], dtype=np.uint8))
    elif mode == "P":
        image = Image.fromarray(disc.astype(np.uint8) * 2)
        image.putpalette([0] * 9)
    elif image is None:
        image = Image.fromarray(disc.astype(np.uint8) * 255).convert(mode)
    content = encoded(image)
    assert np.array_equal(read_mask(PngMask(content), width=40, height=30), disc)


@pytest.mark.parametrize("mask", [RleMask(40, 30, [1200]), PngMask(encoded(Image.new("L", (30, 40))))])
def test_a_mask_of_another_size_is_refused_with_both_sizes(mask: PngMask | RleMask) -> None:
    with pytest.raises(UnreadableImageError, match=r"mask has 30 x 40 pixels but the image 40 x 30"):
        read_mask(mask, width=40, height=30)


@pytest.mark.parametrize(
    "counts",
    [
        [],
        [1199],
        [1201],
        [600, 601],
        [-1, 1201],
        [2**62, 2**62, 2**62, 2**62, 1200],
        b"",
        plain_text([1199]),
        plain_text([2**33, 1200 - 2**33]),
    ],
)
def test_run_lengths_that_do_not_add_up_are_refused(counts: Sequence[int] | bytes) -> None:
    with pytest.raises(UnreadableImageError, match=r"do not add up to its 40 x 30 pixels"):
        read_mask(RleMask(30, 40, counts), width=40, height=30)


@pytest.mark.parametrize("counts", [b"\x00", b"o", b"P", b"pppppppp0", "π", "~0", b"0\xff"])
def test_text_that_is_not_cocos_is_refused(counts: bytes | str) -> None:
    with pytest.raises(UnreadableImageError, match=r"not in COCO format"):
        read_mask(RleMask(30, 40, counts), width=40, height=30)


@pytest.mark.parametrize("counts", [[2**80], [600.5, 599.5], ["1200"], [None]])
def test_run_lengths_that_are_no_whole_numbers_are_refused(counts: list[int]) -> None:
    with pytest.raises(UnreadableImageError, match=r"must be whole numbers"):
        read_mask(RleMask(30, 40, counts), width=40, height=30)


@pytest.mark.parametrize("counts", [b"0" * (MAX_RUNS + 1), range(MAX_RUNS + 1)])
def test_endless_run_lengths_are_refused_unread(counts: Sequence[int]) -> None:
    with pytest.raises(UnreadableImageError, match=r"4000001 numbers or characters, more than the 4000000"):
        read_mask(RleMask(30, 40, counts), width=40, height=30)


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff\xd8\xff", encoded(Image.new("L", (4, 4)), "JPEG")])
def test_another_file_is_refused_by_name(content: bytes) -> None:
    with pytest.raises(UnreadableImageError, match="not a PNG mask"):
        read_mask(PngMask(content), width=4, height=4)


@pytest.mark.parametrize("kept", [0.1, 0.4, 0.7])
def test_a_mask_cut_short_is_refused(disc: BoolArray, kept: float) -> None:
    content = encoded(Image.fromarray(disc))
    with pytest.raises(UnreadableImageError, match="mask is damaged or truncated"):
        read_mask(PngMask(content[: max(9, int(len(content) * kept))]), width=40, height=30)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_a_transparent_mask_is_refused(mode: str) -> None:
    with pytest.raises(UnreadableImageError, match=f"transparency .mode {mode}"):
        read_mask(PngMask(encoded(Image.new(mode, (4, 4)))), width=4, height=4)


def test_the_size_of_a_mask_is_known_before_memory_is_taken() -> None:
    header = b"IHDR" + struct.pack(">IIBBBBB", 50_000, 50_000, 8, 0, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    content += struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    tracemalloc.start()
    for mask in (PngMask(content), RleMask(50_000, 50_000, [2_500_000_000])):
        with pytest.raises(UnreadableImageError, match="50000 x 50000"):
            read_mask(mask, width=400, height=300)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def test_pixels_outside_the_animal_are_filled(disc: BoolArray) -> None:
    image = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    found = apply_mask(image, disc, (1, 2, 3))
    assert found.dtype == np.uint8
    assert np.array_equal(found[disc], image[disc])
    assert (found[~disc] == [1, 2, 3]).all()
