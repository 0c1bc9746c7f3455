from __future__ import annotations

import io
import math
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from services.embedder.images import (
    Box,
    ByteArray,
    FractionBox,
    PixelBox,
    Preprocessing,
    crop,
    decode,
    resize,
)
from spotted.errors import UnreadableImageError

FORMATS = ("JPEG", "PNG", "WEBP")


def encoded(pixels: ByteArray | Image.Image, kind: str = "PNG", **options: object) -> bytes:
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def png_header_only(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    scan = b"IDAT" + zlib.compress(b"")
    body += struct.pack(">I", len(scan) - 4) + scan + struct.pack(">I", zlib.crc32(scan))
    return b"\x89PNG\r\n\x1a\n" + body


def jpeg_claiming(width: int, height: int, pixels: ByteArray) -> bytes:
    content = bytearray(encoded(pixels, "JPEG"))
    frame = content.index(b"\xff\xc0")
    content[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(content)


def webp_claiming(width: int, height: int) -> bytes:
    canvas = struct.pack(
        "<HBHB", (width - 1) & 0xFFFF, width - 1 >> 16, (height - 1) & 0xFFFF, height - 1 >> 16
    )
    chunk = b"VP8X" + struct.pack("<I", 10) + bytes(4) + canvas
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk


@pytest.mark.parametrize("options", [{}, {"subsampling": 0}, {"progressive": True}, {"quality": 30}])
def test_jpeg_pixels_are_pillows(drawing: ByteArray, options: dict[str, object]) -> None:
    content = encoded(drawing, "JPEG", **options)
    with Image.open(io.BytesIO(content)) as image:
        assert np.array_equal(decode(content), np.asarray(image))


def test_jpeg_pixels_of_photographs_are_pillows(real_files: Path) -> None:
    for path in sorted((real_files / "nyala" / "images").rglob("*.jp*g"))[::100]:
        with Image.open(path) as image:
            assert np.array_equal(decode(path.read_bytes()), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_lossless_files_give_the_drawn_pixels(drawing: ByteArray, kind: str) -> None:
    assert np.array_equal(decode(encoded(drawing, kind, lossless=True)), drawing)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", FORMATS)
def test_exif_orientation_is_undone_as_pillow_does(drawing: ByteArray, kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(drawing, kind, exif=exif)
    with Image.open(io.BytesIO(content)) as image:
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    assert np.array_equal(decode(content), expected)


@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\0\0II*\0\x08\0\0\0\xff\xff",
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0nonsense",
        b"Exif\0\0MM\0*",
    ],
)
def test_a_damaged_exif_block_counts_as_upright(drawing: ByteArray, exif: bytes) -> None:
    assert np.array_equal(decode(encoded(drawing, "PNG", exif=exif)), drawing)


def test_a_big_endian_exif_block_is_read(drawing: ByteArray) -> None:
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, 3, 0)
    exif = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 1) + entry + bytes(4)
    assert np.array_equal(decode(encoded(drawing, "PNG", exif=exif)), drawing[::-1, ::-1])


def test_grey_is_repeated_over_the_channels(drawing: ByteArray) -> None:
    grey = drawing[:, :, 0]
    for kind in ("PNG", "JPEG"):
        found = decode(encoded(grey, kind))
        with Image.open(io.BytesIO(encoded(grey, kind))) as image:
            assert np.array_equal(found, np.repeat(np.asarray(image)[:, :, None], 3, axis=2))


def test_sixteen_bit_grey_keeps_the_high_byte() -> None:
    deep = np.arange(0, 65536, 16, dtype=np.uint16).reshape(64, 64)
    found = decode(encoded(Image.fromarray(deep)))
    assert np.array_equal(found, np.repeat((deep >> 8).astype(np.uint8)[:, :, None], 3, axis=2))


def test_one_bit_and_palette_images_are_read(drawing: ByteArray) -> None:
    bits = Image.fromarray(drawing).convert("1")
    assert np.array_equal(decode(encoded(bits)), np.asarray(bits.convert("RGB")))
    palette = Image.fromarray(drawing).quantize(16)
    assert np.array_equal(decode(encoded(palette)), np.asarray(palette.convert("RGB")))


def test_cmyk_is_converted_as_pillow_does(drawing: ByteArray) -> None:
    content = encoded(Image.fromarray(drawing).convert("CMYK"), "JPEG")
    with Image.open(io.BytesIO(content)) as image:
        assert np.array_equal(decode(content), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_transparent_parts_are_laid_over_black(drawing: ByteArray, kind: str) -> None:
    alpha = np.zeros(drawing.shape[:2], dtype=np.uint8)
    alpha[100:200, 100:200] = 255
    content = encoded(np.dstack([drawing, alpha]), kind, lossless=True, exact=True)
    expected = np.where(alpha[:, :, None] == 255, drawing, 0)
    assert np.array_equal(decode(content), expected)


def test_a_palette_entry_may_be_transparent() -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([255, 0, 0, 0, 255, 0])
    assert not decode(encoded(image, "PNG", transparency=1)).any()


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"GIF89a" + bytes(100), b"%PDF-1.7", b"\xff\xd8", bytes(1000)]
)
def test_something_else_is_refused_by_name(content: bytes) -> None:
    with pytest.raises(UnreadableImageError, match=r"not a JPEG, PNG or WebP image \(\d+ bytes"):
        decode(content)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("kept", [0.02, 0.1, 0.5, 0.9, 0.98])
def test_a_file_cut_short_is_refused(drawing: ByteArray, kind: str, kept: float) -> None:
    content = encoded(drawing, kind)
    with pytest.raises(UnreadableImageError, match=r"damaged or cut short .*send the file again"):
        decode(content[: max(16, int(len(content) * kept))])


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(FORMATS), edits=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1)
)
def test_a_damaged_file_is_read_or_refused_and_nothing_else(
    kind: str, edits: list[tuple[float, int]]
) -> None:
    content = bytearray(encoded(np.arange(3 * 24 * 32, dtype=np.uint8).reshape(24, 32, 3), kind))
    for where, value in edits:
        content[int(where * (len(content) - 1))] = value
    try:
        pixels = decode(bytes(content), max_pixels=10_000)
    except UnreadableImageError:
        return
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3


@pytest.mark.parametrize("kind", FORMATS)
def test_a_pixel_bomb_is_refused_before_memory_is_taken(drawing: ByteArray, kind: str) -> None:
    content = {
        "JPEG": lambda: jpeg_claiming(20_000, 20_000, drawing),
        "PNG": lambda: png_header_only(20_000, 20_000),
        "WEBP": lambda: webp_claiming(20_000, 20_000),
    }[kind]()
    tracemalloc.start()
    with pytest.raises(
        UnreadableImageError, match=r"20000 x 20000 pixels \(400.0 megapixels\), more than the 64.0"
    ):
        decode(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


@pytest.mark.parametrize("options", [{"lossless": True}, {"lossless": False}, {"exif": b"Exif\0\0II*\0"}])
def test_the_limit_counts_pixels_exactly(drawing: ByteArray, options: dict[str, object]) -> None:
    for kind in FORMATS:
        content = encoded(drawing, kind, **options)
        assert decode(content, max_pixels=120_000).shape == (300, 400, 3)
        with pytest.raises(UnreadableImageError, match="400 x 300"):
            decode(content, max_pixels=119_999)


def test_a_pixel_box_is_a_slice(drawing: ByteArray) -> None:
    assert np.array_equal(crop(drawing, PixelBox(10, 20, 30, 40)), drawing[20:60, 10:40])


def test_a_fraction_box_is_the_pixel_box_of_its_size(drawing: ByteArray) -> None:
    fractions = FractionBox(0.1, 0.3, 0.25, 0.5)
    assert np.array_equal(crop(drawing, fractions), crop(drawing, PixelBox(40, 90, 100, 150)))


def test_boxes_refer_to_the_upright_image(drawing: ByteArray) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encoded(drawing, exif=exif)
    turned = np.rot90(drawing, -1)
    found = Preprocessing(8).apply(content, PixelBox(0, 0, 300, 50))
    assert np.array_equal(found, resize(turned[:50], 8))


@pytest.mark.parametrize(
    ("box", "rows", "columns"),
    [
        (PixelBox(-10, -20, 30, 40), slice(0, 20), slice(0, 20)),
        (PixelBox(390, 290, 100, 100), slice(290, 300), slice(390, 400)),
        (FractionBox(0.5, 0.5, 1.0, 1.0), slice(150, 300), slice(200, 400)),
        (PixelBox(-1e308, 0, 1.7e308, 10), slice(0, 10), slice(0, 400)),
        (PixelBox(399.9, 299.9, 0.01, 0.01), slice(299, 300), slice(399, 400)),
    ],
)
def test_a_box_partly_outside_is_clipped(drawing: ByteArray, box: Box, rows: slice, columns: slice) -> None:
    assert np.array_equal(crop(drawing, box), drawing[rows, columns])


@pytest.mark.parametrize(
    ("box", "message"),
    [
        (PixelBox(10, 10, 0, 5), "PixelBox.*width=0.*no area"),
        (FractionBox(0.1, 0.1, 0.2, -0.1), "FractionBox.*height=-0.1.*no area"),
        (PixelBox(math.nan, 0, 1, 1), "x=nan.*not finite"),
        (FractionBox(0, 0, math.inf, 1), "width=inf.*not finite"),
        (PixelBox(400, 0, 10, 10), "x=400.*outside the image of 400 x 300"),
        (PixelBox(-20, 0, 20, 10), "x=-20.*outside"),
        (FractionBox(0, 1.0, 0.5, 0.5), "y=1.0.*outside"),
        (FractionBox(12, 30, 200, 100), "width=200.*send pixels as a PixelBox"),
    ],
)
def test_a_box_without_pixels_is_refused_with_its_numbers(drawing: ByteArray, box: Box, message: str) -> None:
    with pytest.raises(UnreadableImageError, match=message):
        crop(drawing, box)


@settings(max_examples=300, deadline=None)
@given(
    x=st.floats(-50, 50),
    y=st.floats(-50, 50),
    width=st.floats(0, 50, exclude_min=True),
    height=st.floats(1e-9, 50),
)
def test_every_box_that_touches_the_image_holds_a_pixel(
    x: float, y: float, width: float, height: float
) -> None:
    image = np.zeros((20, 30, 3), dtype=np.uint8)
    touches = x < 30 and y < 20 and x + width > 0 and y + height > 0
    if touches:
        part = crop(image, PixelBox(x, y, width, height))
        assert part.size
        assert abs(part.shape[1] - (min(30, x + width) - max(0, x))) <= 1.0
    else:
        with pytest.raises(UnreadableImageError):
            crop(image, PixelBox(x, y, width, height))


def test_resizing_is_the_plain_loop_of_the_triangle_filter(drawing: ByteArray) -> None:
    size, line = 16, drawing[:1].astype(np.float64)
    scale = line.shape[1] / size
    expected = []
    for pixel in range(size):
        centre = (pixel + 0.5) * scale
        weights = np.clip(1 - np.abs((np.arange(line.shape[1]) + 0.5 - centre) / scale), 0, None)
        expected.append((weights[:, None] * line[0]).sum(axis=0) / weights.sum())
    found = resize(drawing[:1], size)[0]
    # Pillow rounds its weights to 22 bits, so the last step may fall the other way
    assert np.abs(found - np.array(expected)).max() <= 0.51


def test_a_uniform_image_stays_uniform_at_any_size() -> None:
    image = np.full((7, 501, 3), 77, dtype=np.uint8)
    assert (resize(image, 224) == 77).all()
    assert (resize(image[:1, :1], 224) == 77).all()


def test_the_digest_depends_on_what_changes_the_pixels() -> None:
    # a change of this value makes every stored embedding incomparable: raise `version` with it
    assert Preprocessing(224).digest == "292b49f09b81fa00b5e7a71d3fdec99378305851615623a395bfa1a3c9304e96"
    assert Preprocessing(440).digest != Preprocessing(224).digest
