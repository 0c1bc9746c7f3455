from __future__ import annotations

import io
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from services.embedder.images.decoding import ByteArray, decode, upright_size
from services.embedder.images.headers import read_header
from spotted.errors import UnreadableImageError
from tests.services.embedder.pictures import FORMATS, encoded


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
    content = encoded(drawing, kind, lossless=True)
    assert np.array_equal(decode(content), drawing)
    assert np.array_equal(decode(content, header=read_header(content)), drawing)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", FORMATS)
def test_exif_orientation_is_undone_as_pillow_does(drawing: ByteArray, kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(drawing, kind, exif=exif)
    with Image.open(io.BytesIO(content)) as image:
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    assert np.array_equal(decode(content), expected)


@pytest.mark.parametrize("size", [(400, 300), (397, 293)])
@pytest.mark.parametrize("reduction", [2, 4, 8])
def test_a_jpeg_at_a_part_of_its_size_is_the_mean_of_its_pixels(
    drawing: ByteArray, size: tuple[int, int], reduction: int
) -> None:
    image, exif = Image.fromarray(drawing).resize(size), Image.Exif()
    # without subsampling of colours, whose interpolation would differ
    content = encoded(image, "JPEG", quality=95, subsampling=0)
    found = decode(content, reduction=reduction)
    means = np.asarray(Image.fromarray(decode(content)).reduce(reduction))
    assert found.shape == means.shape
    inner = (slice(1, -1), slice(1, -1))
    assert np.abs(found[inner].astype(int) - means[inner].astype(int)).mean() < 6
    # a turned file is reduced as it is stored, and set upright
    exif[0x0112] = 6
    turned = encoded(image, "JPEG", quality=95, subsampling=0, exif=exif)
    assert (upright_size(content), upright_size(turned)) == (size, size[::-1])
    assert np.array_equal(decode(turned, reduction=reduction), np.rot90(found, -1))
    # one that only Pillow reads has the same size
    flawed = content.replace(b"\xff\xdb", b"\0\0\xff\xdb", 1)
    assert decode(flawed, reduction=reduction).shape == found.shape


def test_only_jpegs_are_decoded_at_a_part_of_their_size(drawing: ByteArray) -> None:
    assert upright_size(encoded(drawing)) is upright_size(encoded(drawing, "WEBP")) is None
    assert upright_size(encoded(Image.fromarray(drawing).convert("CMYK"), "JPEG")) is None
    with pytest.raises(UnreadableImageError, match="damaged or truncated"):
        upright_size(encoded(drawing, "JPEG")[:20])
    with pytest.raises(UnreadableImageError, match=r"more than the 0\.1 allowed"):
        upright_size(encoded(drawing, "JPEG"), max_pixels=100_000)


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


@pytest.mark.parametrize("content", [b"hello", b"GIF89a" + bytes(100), b"%PDF-1.7", b"\xff\xd8", bytes(1000)])
def test_something_else_is_refused_by_name(content: bytes) -> None:
    with pytest.raises(UnreadableImageError, match=r"not a JPEG, PNG or WebP image \(\d+ bytes"):
        decode(content)


def test_an_empty_file_is_called_empty() -> None:
    with pytest.raises(UnreadableImageError, match="the file is empty; copy it from the camera's card again"):
        decode(b"")


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("kept", [0.02, 0.1, 0.5, 0.9, 0.98])
def test_a_file_cut_short_is_refused(drawing: ByteArray, kind: str, kept: float) -> None:
    content = encoded(drawing, kind)
    with pytest.raises(UnreadableImageError, match=r"damaged or truncated .*copy it from the camera's card"):
        decode(content[: max(16, int(len(content) * kept))])


@pytest.mark.parametrize("options", [{}, {"subsampling": 0}, {"progressive": True}, {"optimize": True}])
@pytest.mark.parametrize("lost", [1, 2])
def test_a_jpeg_without_its_end_marker_has_the_pixels_of_the_whole_file(
    drawing: ByteArray, options: dict[str, object], lost: int
) -> None:
    content = encoded(drawing, "JPEG", **options)
    assert np.array_equal(decode(content[:-lost]), decode(content))


@pytest.mark.parametrize("padding", [bytes(500), b"\xff" * 7, b"maker's notes"])
def test_bytes_after_the_end_marker_of_a_jpeg_change_nothing(drawing: ByteArray, padding: bytes) -> None:
    content = encoded(drawing, "JPEG")
    assert np.array_equal(decode(content + padding), decode(content))


@pytest.mark.parametrize("lost", [20, 60, 300])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("ending", [b"", b"\xff\xd9"])
def test_a_jpeg_that_lacks_pixels_is_refused_even_with_an_end_marker_put_on(
    lost: int, ending: bytes, *, progressive: bool
) -> None:
    noise = np.random.default_rng(2).integers(0, 255, (64, 96, 3), dtype=np.uint8)
    content = encoded(noise, "JPEG", progressive=progressive)
    with pytest.raises(UnreadableImageError, match="damaged or truncated"):
        decode(content[:-lost] + ending)


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(FORMATS), edits=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1)
)
def test_a_damaged_file_is_read_or_refused_and_nothing_else(
    kind: str, edits: list[tuple[float, int]]
) -> None:
    content = bytearray(encoded(np.arange(3 * 24 * 32, dtype=np.uint8).reshape(24, 32, 3), kind))
    for position, value in edits:
        content[int(position * (len(content) - 1))] = value
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


def with_exif(content: bytes, block: bytes) -> bytes:
    """A JPEG file with an EXIF block, without the resolution that makes Pillow ignore the block."""
    start = content.index(b"\xff\xdb")
    return b"\xff\xd8\xff\xe1" + struct.pack(">H", len(block) + 2) + block + content[start:]


@pytest.mark.parametrize(
    "entries",
    [
        struct.pack("<HHHII", 2, 0x011A, 5, 1, 0xFFFFFF),
        struct.pack("<HHHII", 1, 0x011A, 5, 0xFFFFFF, 8),
        struct.pack("<HHHII", 900, 0x0112, 3, 1, 1),
    ],
)
def test_a_jpeg_with_a_damaged_exif_block_is_read_without_a_warning(
    drawing: ByteArray, entries: bytes
) -> None:
    content = encoded(drawing, "JPEG")
    damaged = with_exif(content, b"Exif\0\0II*\0\x08\0\0\0" + entries)
    with (
        pytest.warns(UserWarning, match="EXIF|Truncated|Corrupt|larger than file|too large"),
        Image.open(io.BytesIO(damaged)) as image,
    ):
        assert image.size == (400, 300)
    assert np.array_equal(decode(damaged), decode(content))


def test_of_two_frame_headers_neither_is_decoded_unchecked(drawing: ByteArray) -> None:
    content = encoded(drawing, "JPEG")
    frame = content.index(b"\xff\xc0")
    header = bytearray(content[frame : frame + 19])
    header[5:9] = struct.pack(">HH", 60_000, 60_000)
    tracemalloc.start()
    with pytest.raises(UnreadableImageError):
        decode(content[:frame] + bytes(header) + content[frame:])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_half_transparent_parts_are_darkened_by_half(kind: str) -> None:
    layer = np.full((8, 8, 4), 200, dtype=np.uint8)
    layer[..., 3] = 128
    assert set(np.unique(decode(encoded(layer, kind, lossless=True, exact=True)))) <= {100, 101}
