"""Random changes of crops, so that a network learns the coat and not the photograph (MiewID A.1).

Shifts, scales and turns; brightness, contrast, saturation and hue; sharpening; local equalisation (CLAHE).
There are no mirror images: the coat of an animal is never its mirror image, and that of its other flank is
another individual.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from spotted.arrays import ByteArray, Float32Array

View = Callable[[ByteArray, np.random.Generator], ByteArray]
# weights of red, green and blue in the brightness of a pixel (ITU-R BT.601)
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
# CLAHE: largest share of a level in a tile, as a multiple of the average, and tiles on each side
CLAHE_LIMIT = 4.0
CLAHE_TILES = 8
# differences from a blurred copy are added with this weight at most
SHARPEN_MOST = 1.0
SHARPEN_SIGMA = 1.0
HUES = 180
# edge of the patches of most transformers, pixels
PATCH = 16


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Random changes of one crop, each drawn with its probability.

    >>> view = Augmentation(shift=0.1, clahe=0.0)
    >>> view(np.zeros((64, 64, 3), dtype=np.uint8), np.random.default_rng(0)).shape
    (64, 64, 3)
    """

    geometry: float = 0.5
    """Probability that a crop is shifted, scaled and turned."""
    shift: float = 0.25
    """Largest shift in each direction, as a share of the edge."""
    scale: float = 0.2
    """Largest change of the scale, as a share."""
    rotation_deg: float = 15.0
    """Largest angle, degrees."""
    colour: float = 0.5
    """Probability that the colours change."""
    brightness: float = 0.2
    """Largest change of the brightness, as a share."""
    contrast: float = 0.2
    """Largest change of the contrast, as a share."""
    saturation: float = 0.2
    """Largest change of the saturation, as a share."""
    hue_deg: float = 10.0
    """Largest turn of the hue, degrees."""
    sharpening: float = 0.3
    """Probability that a crop is sharpened."""
    clahe: float = 0.3
    """Probability that local contrast is equalised."""

    def __call__(self, image: ByteArray, rng: np.random.Generator) -> ByteArray:
        """The changed crop (s, s, 3) of a crop (s, s, 3)."""
        # all numbers are drawn, so that the probability of one change moves no other
        moved, coloured, sharpened, equalised = rng.random(4) < (
            self.geometry,
            self.colour,
            self.sharpening,
            self.clahe,
        )
        geometry, colours, weight = rng.uniform(-1, 1, 4), rng.uniform(-1, 1, 4), rng.random()
        if moved:
            image = self._moved(image, *geometry.tolist())
        if equalised:
            image = equalise(image)
        if coloured:
            image = self._coloured(image, *colours.tolist())
        if sharpened:
            image = sharpen(image, weight * SHARPEN_MOST)
        return image

    def _moved(self, image: ByteArray, right: float, down: float, growth: float, turn: float) -> ByteArray:
        height, width = image.shape[:2]
        centre = ((width - 1) / 2, (height - 1) / 2)
        matrix = cv2.getRotationMatrix2D(centre, turn * self.rotation_deg, 1.0 + growth * self.scale)
        matrix[:, 2] += (right * self.shift * width, down * self.shift * height)
        # the area that was outside is black, as outside of a turned box
        return np.asarray(cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR))

    def _coloured(
        self, image: ByteArray, brightness: float, contrast: float, saturation: float, hue: float
    ) -> ByteArray:
        turned = turn_hue(image, hue * self.hue_deg)
        pixels = turned.astype(np.float32) * np.float32(1.0 + brightness * self.brightness)
        grey = (pixels @ LUMA)[:, :, None]
        pixels = grey + (pixels - grey) * np.float32(1.0 + saturation * self.saturation)
        mean = grey.mean(dtype=np.float32)
        return _to_bytes(mean + (pixels - mean) * np.float32(1.0 + contrast * self.contrast))


@dataclass(frozen=True, slots=True)
class SmallCrop:
    """A small part of a crop, in fewer pixels, with changes of its own (multi-crop, Caron et al. 2021).

    >>> view = SmallCrop(32)
    >>> view(np.zeros((96, 96, 3), dtype=np.uint8), np.random.default_rng(0)).shape
    (32, 32, 3)
    """

    size: int
    """Edge of the result, pixels."""
    change: Augmentation = Augmentation()
    least_share: float = 0.05
    """Smallest part of the area."""
    most_share: float = 0.4
    """Largest part of the area."""

    def __call__(self, image: ByteArray, rng: np.random.Generator) -> ByteArray:
        """A changed part (size, size, 3) of a crop (s, s, 3)."""
        edge = max(1, round(math.sqrt(rng.uniform(self.least_share, self.most_share)) * len(image)))
        top, left = rng.integers(0, len(image) - edge + 1, 2).tolist()
        part = image[top : top + edge, left : left + edge]
        resized = cv2.resize(part, (self.size, self.size), interpolation=cv2.INTER_LINEAR)
        return self.change(np.asarray(resized, dtype=np.uint8), rng)


def small_size(size: int) -> int:
    """The edge of small crops beside crops of a size: 3/7 of it, in steps of the usual patches.

    >>> small_size(224), small_size(96), small_size(32)
    (96, 48, 16)
    """
    return max(PATCH, PATCH * round(size * 3 / 7 / PATCH))


def as_is(image: ByteArray, rng: np.random.Generator) -> ByteArray:  # noqa: ARG001 - a view without chance
    """The crop itself."""
    return image


def equalise(image: ByteArray) -> ByteArray:
    """A crop with its lightness equalised in tiles (contrast-limited adaptive histogram equalisation)."""
    lab = _converted(image, cv2.COLOR_RGB2LAB)
    lab[:, :, 0] = cv2.createCLAHE(CLAHE_LIMIT, (CLAHE_TILES, CLAHE_TILES)).apply(lab[:, :, 0])
    return _converted(lab, cv2.COLOR_LAB2RGB)


def sharpen(image: ByteArray, weight: float) -> ByteArray:
    """A crop to which its difference from a blurred copy is added with a weight."""
    pixels = image.astype(np.float32)
    return _to_bytes(pixels + np.float32(weight) * (pixels - cv2.GaussianBlur(pixels, (0, 0), SHARPEN_SIGMA)))


def turn_hue(image: ByteArray, degrees: float) -> ByteArray:
    """A crop with its hues turned."""
    # OpenCV stores half the angle, so that it fits a byte
    steps = round(degrees / 2)
    if not steps:
        return image
    hsv = _converted(image, cv2.COLOR_RGB2HSV)
    hsv[:, :, 0] = (hsv[:, :, 0].astype(np.int16) + steps) % HUES
    return _converted(hsv, cv2.COLOR_HSV2RGB)


def _converted(image: ByteArray, code: int) -> ByteArray:
    return np.asarray(cv2.cvtColor(image, code), dtype=np.uint8)


def _to_bytes(pixels: Float32Array) -> ByteArray:
    return np.asarray(np.rint(pixels.clip(0, 255)), dtype=np.uint8)
