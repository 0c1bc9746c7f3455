"""Damaged files, masks and boxes, as hypothesis draws and shrinks them for `fuzz_images`."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from PIL import Image

from services.embedder.images.masks import Mask, PngMask, RleMask
from services.embedder.images.photograph import WHOLE_IMAGE, CropPart
from services.embedder.images.preprocessing import Preprocessing
from services.embedder.images.tones import Tone
from spotted.boxes.cropping import Box, FractionBox, PixelBox

WIDTH, HEIGHT = 48, 36
SIGNATURE = b"\x89PNG\r\n\x1a\n"

PREPROCESSINGS = (
    Preprocessing(32),
    Preprocessing(32, kernel="opencv-linear", aspect="pad"),
    Preprocessing(32, tone=Tone.EQUALISED, fill=(1, 2, 3)),
)

# position as a share of the file, and content
Edit = tuple[str, float, float, int]


@dataclass(frozen=True, slots=True)
class Case:
    """An input: which of PREPROCESSINGS, and the image and part that it gets."""

    preprocessing: int
    content: bytes
    part: CropPart = WHOLE_IMAGE


def cases() -> st.SearchStrategy[Case]:
    """Inputs, most of them damaged somewhere between the header and the last byte."""
    number = st.one_of(
        st.floats(-2.0 * WIDTH, 2.0 * WIDTH), st.floats(), st.sampled_from([0.0, 0.1, 1.0, 1e308, 1e-308])
    )
    boxes: st.SearchStrategy[Box | None] = st.one_of(
        st.none(),
        st.builds(PixelBox, number, number, number, number),
        st.builds(FractionBox, *[st.floats(-0.5, 1.5)] * 4),
    )
    inside = st.builds(PixelBox, *[st.floats(1, HEIGHT / 2)] * 4)
    files = pictures()
    parts = st.builds(
        CropPart,
        box=st.one_of(st.none(), inside, inside, boxes),
        theta=st.one_of(st.just(0.0), st.floats(-4, 4), number),
        mask=st.one_of(st.none(), st.none(), masks()),
    )
    contents = st.one_of(st.sampled_from(files), mutated(files))
    return st.builds(Case, st.integers(0, len(PREPROCESSINGS) - 1), contents, parts)


def masks() -> st.SearchStrategy[Mask]:
    """Masks, damaged as files are, and run lengths of any kind."""
    sides = st.sampled_from([WIDTH, HEIGHT, 0, -1, 1 << 31])
    half = [WIDTH * HEIGHT // 2] * 2
    text = b"`e0`e0"
    counts: st.SearchStrategy[list[int] | bytes | str] = st.one_of(
        st.just(half),
        st.lists(st.one_of(st.integers(-5, 2000), st.integers()), max_size=50),
        mutated([text]),
        st.text(max_size=20),
    )
    drawn = Image.new("L", (WIDTH, HEIGHT), 255)
    files = [_encoded(drawn.convert(mode), "PNG") for mode in ("L", "1", "P", "RGB")]
    return st.one_of(
        st.builds(PngMask, mutated(files)),
        st.builds(RleMask, st.just(HEIGHT), st.just(WIDTH), counts),
        st.builds(RleMask, sides, sides, counts),
    )


def pictures() -> list[bytes]:
    """Sound files of every kind that is read."""
    levels = np.random.default_rng(0).integers(0, 256, (HEIGHT // 4, WIDTH // 4, 4), dtype=np.uint8)
    layer = Image.fromarray(levels).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    image = layer.convert("RGB")
    deep = Image.fromarray(np.asarray(image)[:, :, 0].astype(np.uint16) * 257)
    exif = Image.Exif()
    exif[0x0112], exif[0x011A] = 6, 72.0
    return [
        _encoded(image, "JPEG", exif=exif),
        _encoded(image, "JPEG", progressive=True, subsampling=0),
        _encoded(image, "JPEG", restart_marker_rows=1),
        _encoded(image.convert("L"), "JPEG"),
        _encoded(image.convert("CMYK"), "JPEG"),
        _encoded(image, "PNG", exif=exif, icc_profile=bytes(200)),
        _encoded(layer, "PNG"),
        _encoded(image.quantize(16), "PNG", transparency=3),
        _encoded(image.convert("1"), "PNG"),
        _encoded(deep, "PNG"),
        _encoded(image, "PNG", save_all=True, append_images=[image.rotate(90)]),
        _encoded(image, "WEBP", exif=exif),
        _encoded(layer, "WEBP", lossless=True),
        _encoded(layer, "WEBP"),
        _encoded(image, "WEBP", save_all=True, append_images=[image.rotate(90)]),
    ]


def mutated(files: list[bytes]) -> st.SearchStrategy[bytes]:
    """A file after some edits; the check sums of a PNG may be set right, so that what is inside counts."""
    share = st.floats(0, 1)
    # most of what a decoder believes stands at the beginning
    place = st.one_of(share, st.floats(0, 0.1))
    number = st.one_of(
        st.sampled_from([0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF]),
        st.integers(0, 0xFFFFFFFF),
    )
    kinds = st.sampled_from(["byte", "short", "long", "little", "cut", "drop", "repeat", "insert"])
    edits = st.lists(st.tuples(kinds, place, share, number), max_size=4)
    other = st.one_of(st.none(), st.none(), st.none(), st.sampled_from(files))
    return st.builds(_edited, st.sampled_from(files), edits, other, share, st.booleans())


def _edited(content: bytes, edits: list[Edit], other: bytes | None, joint: float, sound: bool) -> bytes:  # noqa: FBT001 # hypothesis draws it
    if other is not None:
        content = content[: int(joint * len(content))] + other[int(joint * len(other)) :]
    for kind, place, share, number in edits:
        at = int(place * len(content))
        content = content[:at] + _changed(content[at:], kind, int(share * 64), number)
    return _with_checksums(content) if sound else content


def _changed(rest: bytes, kind: str, length: int, number: int) -> bytes:
    changed = {
        "byte": struct.pack("B", number & 0xFF) + rest[1:],
        "short": struct.pack(">H", number & 0xFFFF) + rest[2:],
        "long": struct.pack(">I", number) + rest[4:],
        "little": struct.pack("<I", number) + rest[4:],
        "cut": b"",
        "drop": rest[length:],
        "repeat": rest[:length] * (2 + number % 8) + rest[length:],
        "insert": number.to_bytes(4, "big") * (length // 4) + rest,
    }
    return changed[kind]


def _with_checksums(content: bytes) -> bytes:
    if not content.startswith(SIGNATURE):
        return content
    fixed, at = bytearray(content), len(SIGNATURE)
    while at + 12 <= len(fixed):
        end = at + 8 + int.from_bytes(fixed[at : at + 4], "big")
        if end + 4 > len(fixed):
            break
        fixed[end : end + 4] = struct.pack(">I", zlib.crc32(fixed[at + 4 : end]))
        at = end + 4
    return bytes(fixed)


def _encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()
