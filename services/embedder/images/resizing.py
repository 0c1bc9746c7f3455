"""Crops to the square input of a backbone, by the kernel that it was trained with.

The kernel is part of the model: embeddings by another kernel have a cosine of 0.87 to 0.98 to the right ones.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from services.embedder.images.decoding import ByteArray
from spotted.boxes import Fit, Placement, place
from spotted.boxes.cropping import BLACK, Colour

Kernel = Literal["bilinear", "bicubic", "lanczos", "opencv-linear"]
Aspect = Literal["stretch", "pad"]
IntArray = npt.NDArray[np.int32]

_PILLOW = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
KERNELS: tuple[Kernel, ...] = ("bilinear", "bicubic", "lanczos", "opencv-linear")
ASPECTS: tuple[Aspect, ...] = ("stretch", "pad")
# 1 in the weights of OpenCV, which have 11 bits
_ONE = 2048


def resize(
    image: ByteArray,
    size: int,
    *,
    kernel: Kernel = "bilinear",
    aspect: Aspect = "stretch",
    fill: Colour = BLACK,
) -> ByteArray:
    """Resize an (H, W, 3) image to (size, size, 3).

    kernel: bilinear, bicubic and lanczos as in Pillow, antialiased; opencv-linear as cv2.INTER_LINEAR, which
        reads four pixels for each output pixel; MiewID was trained with it.
    aspect: stretch fills the square; pad keeps the proportions and centres the image on `fill`.
    """
    fit: Fit = "stretch" if aspect == "stretch" else "letterbox"
    height, width = image.shape[:2]
    return resize_into(
        image, (size, size), place(width, height, width=size, height=size, fit=fit), kernel, fill
    )


def resize_into(
    image: ByteArray, shape: tuple[int, int], placement: Placement, kernel: Kernel, fill: Colour
) -> ByteArray:
    """Resize an (H, W, 3) image into its placement in an input of shape (height, width), on `fill`."""
    scaled = _scaled(image, placement.width, placement.height, kernel)
    if scaled.shape[:2] == shape:
        return scaled
    whole = np.empty((*shape, 3), dtype=np.uint8)
    whole[:] = fill
    rows = slice(placement.top, placement.top + placement.height)
    whole[rows, placement.left : placement.left + placement.width] = scaled
    return whole


def _scaled(image: ByteArray, width: int, height: int, kernel: Kernel) -> ByteArray:
    if kernel == "opencv-linear":
        return _opencv_linear(image, width, height)
    source = Image.fromarray(np.ascontiguousarray(image))
    return np.asarray(source.resize((width, height), _PILLOW[kernel]))


def _opencv_linear(image: ByteArray, width: int, height: int) -> ByteArray:
    """The fixed-point arithmetic of OpenCV, whose intermediate sums lose four bits."""
    rows, next_rows, down = _taps(image.shape[0], height)
    used = np.unique(np.concatenate([rows, next_rows]))
    lines = _stretched(image[used], width)
    below = down[:, None]
    blended = lines[used.searchsorted(rows)]
    blended *= _ONE - below
    blended >>= 16
    beneath = lines[used.searchsorted(next_rows)]
    beneath *= below
    beneath >>= 16
    blended += beneath
    blended += 2
    blended >>= 2
    return blended.astype(np.uint8).reshape(height, width, 3)


def _stretched(lines: ByteArray, width: int) -> IntArray:
    """(n, W, 3) lines resized to (n, 3 width), with each level multiplied by 128."""
    columns, next_columns, across = _taps(lines.shape[1], width)
    flat = lines.reshape(len(lines), -1)
    weights = across.repeat(3)
    levels = flat.take(_interleaved(columns), axis=1) * (_ONE - weights)
    levels += flat.take(_interleaved(next_columns), axis=1) * weights
    levels >>= 4
    return levels


def _interleaved(columns: IntArray) -> IntArray:
    """Indices of the three channels of each column in a flat line."""
    return np.add.outer(3 * columns, np.arange(3)).astype(np.int32).ravel()


def _taps(length: int, size: int) -> tuple[IntArray, IntArray, IntArray]:
    """The two source pixels of each output pixel, and the weight of the second out of 2048."""
    centres = ((np.arange(size) + 0.5) * (length / size) - 0.5).astype(np.float32)
    first = np.floor(centres)
    weights = np.rint((centres - first) * np.float32(_ONE)).astype(np.int32)
    chosen = first.astype(np.int32)
    return chosen.clip(0, length - 1), (chosen + 1).clip(0, length - 1), weights
