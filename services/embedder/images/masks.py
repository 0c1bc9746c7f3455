"""Masks of the animal in an upright image: PNG files and the run lengths of COCO."""

from __future__ import annotations

import io
import operator
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import PngImagePlugin

from services.embedder.images.decoding import ByteArray
from services.embedder.images.headers import DAMAGED
from spotted.boxes.cropping import Colour
from spotted.errors import UnreadableImageError

BoolArray = npt.NDArray[np.bool_]
CountArray = npt.NDArray[np.int64]

# a mask drawn by hand has a few thousand
MAX_RUNS = 4_000_000
# COCO writes a number in characters of five bits; the sixth bit marks that another character follows
_FIRST, _MORE, _SIGN, _BITS = 48, 32, 16, 5
# characters: 35 bits hold any count and any difference of two counts
_LONGEST = 7
_PLAIN_MODES = frozenset({"1", "L", "P", "RGB", "I", "I;16"})


@dataclass(frozen=True, slots=True)
class PngMask:
    """A PNG file of the size of the upright image; pixels other than 0 show the animal.

    In a file with a palette these are indices other than 0, in a colour file all colours but black.
    """

    content: bytes


@dataclass(frozen=True, slots=True)
class RleMask:
    """Run lengths as in COCO: column by column, alternating, starting outside the animal."""

    height: int
    """First element of COCO's `size`, pixels."""
    width: int
    """Second element of COCO's `size`, pixels."""
    counts: Sequence[int] | bytes | str
    """Numbers, or the compressed text of COCO."""


Mask = PngMask | RleMask


def read_mask(mask: Mask, *, width: int, height: int) -> BoolArray:
    """(height, width) mask, True on the animal, for an upright image of width x height pixels.

    Raises UnreadableImageError if the mask has another size or is damaged; its size is checked before memory
    is allocated.
    """
    if isinstance(mask, RleMask):
        _check_size((mask.width, mask.height), (width, height))
        return _from_runs(_runs(mask.counts), width, height)
    return _from_png(mask.content, width, height)


def apply_mask(image: ByteArray, animal: BoolArray, fill: Colour) -> ByteArray:
    """An (H, W, 3) image with `fill` at all pixels whose (H, W) mask is False."""
    return np.where(animal[:, :, None], image, np.array(fill, dtype=np.uint8))


def _check_size(found: tuple[int, int], image: tuple[int, int]) -> None:
    if found != image:
        raise UnreadableImageError(
            f"the mask has {found[0]} x {found[1]} pixels but the image {image[0]} x {image[1]}; "
            "draw it on the whole image after its EXIF orientation"
        )


def _from_png(content: bytes, width: int, height: int) -> BoolArray:
    if not content.startswith(b"\x89PNG\r\n\x1a\n"):
        raise UnreadableImageError(
            f"not a PNG mask ({len(content)} bytes starting with {content[:8]!r}); send PNG or run lengths"
        )
    try:
        image = PngImagePlugin.PngImageFile(io.BytesIO(content))
        _check_size(image.size, (width, height))
        if image.mode not in _PLAIN_MODES:
            raise UnreadableImageError(
                f"the mask has transparency (mode {image.mode}), which is ambiguous; "
                "save it in black and white"
            )
        animal: BoolArray = np.asarray(image) != 0
    except DAMAGED as error:
        raise UnreadableImageError(
            f"the mask is damaged or truncated ({error}); save it again as PNG"
        ) from error
    return np.asarray(animal.any(axis=2)) if image.mode == "RGB" else animal


def _runs(counts: Sequence[int] | bytes | str) -> CountArray:
    if len(counts) > MAX_RUNS:
        raise UnreadableImageError(
            f"the run lengths of the mask have {len(counts)} numbers or characters, more than the {MAX_RUNS} "
            "allowed; smooth the mask, or send it as PNG"
        )
    if isinstance(counts, str):
        counts = counts.encode("utf-8", errors="surrogatepass")
    if isinstance(counts, bytes):
        return _decompressed(np.frombuffer(counts, dtype=np.uint8).astype(np.int64) - _FIRST)
    try:
        return np.array([operator.index(count) for count in counts], dtype=np.int64)
    except (OverflowError, TypeError) as error:
        raise UnreadableImageError(
            f"the run lengths of the mask must be whole numbers ({error}); send the `counts` of COCO"
        ) from error


def _decompressed(symbols: CountArray) -> CountArray:
    """Run lengths from the text of COCO; from the fourth on it holds differences to the run two before."""
    more = symbols & _MORE != 0
    starts = np.concatenate([[True], ~more[:-1]]) if len(symbols) else np.zeros(0, dtype=np.bool_)
    (first,) = np.nonzero(starts)
    # index of each character within its number
    index = np.arange(len(symbols)) - first.repeat(np.diff(first, append=len(symbols)))
    bad = (symbols < 0) | (symbols >= 2 * _MORE) | (index >= _LONGEST)
    if bad.any() or more[-1:].any():
        raise UnreadableImageError(
            "the compressed run lengths of the mask are not in COCO format; send `counts` as the COCO tools "
            "write it"
        )
    if not len(symbols):
        return symbols
    values = np.add.reduceat((symbols & (_MORE - 1)) << _BITS * index, first)
    last = np.append(first[1:], len(symbols)) - 1
    values -= ((symbols[last] & _SIGN) != 0) * (np.int64(1) << _BITS * (index[last] + 1))
    values[1::2] = values[1::2].cumsum()
    values[2::2] = values[2::2].cumsum()
    return values


def _from_runs(runs: CountArray, width: int, height: int) -> BoolArray:
    pixels = width * height
    # no run may exceed the image, so that the sum cannot overflow
    if (runs < 0).any() or (runs > pixels).any() or runs.sum() != pixels:
        raise UnreadableImageError(
            f"the run lengths of the mask do not add up to its {width} x {height} pixels; "
            "send `counts` as the COCO tools write them"
        )
    animal = np.zeros(len(runs), dtype=np.bool_)
    animal[1::2] = True
    return animal.repeat(runs).reshape(width, height).T
