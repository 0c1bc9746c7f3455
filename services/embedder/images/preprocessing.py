"""From an image file to the pixels that a backbone reads, in one frozen order of steps.

1. The file is decoded and set upright.
2. Tone: a map drawn from the whole photograph, as Spotted has it.
3. Mask: what is not the animal gets the fill colour; a mask sent with the crop, else the segmenter's.
4. Crop: the box, turned by theta.
5. The crop is resized to a square.

Tone and mask are worked out for the pixels of the crop only, which gives the same. All of it takes at
most `BYTES_PER_PIXEL` of memory for each pixel of the image, beside its file.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from services.common.telemetry import metrics
from services.embedder.images.cropping import BLACK, Box, Colour, FractionBox, Place, locate
from services.embedder.images.decoding import MAX_PIXELS, ByteArray, decode
from services.embedder.images.masks import BoolArray, Mask, masked, read_mask
from services.embedder.images.resizing import ASPECTS, KERNELS, Aspect, Kernel, resize
from services.embedder.images.segmenting import Segmenter
from services.embedder.images.tones import Reference, Tone, equalising, histograms, matching, toned
from spotted.errors import InvalidInputError, UnreadableImageError

BYTES_PER_PIXEL = 24
BRIGHTEST = 255
WHOLE = FractionBox(0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class ImageCrop:
    """An encoded JPEG, PNG or WebP image, and which part of it shows the animal.

    box: None takes the whole image. theta: radians by which the box is turned about its centre, clockwise
    on the screen. mask: of the upright image.
    """

    content: bytes
    box: Box | None = None
    theta: float = 0.0
    mask: Mask | None = None


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How bytes become model input; vectors compare only where the digest is the same.

    size: edge of the square input, pixels. kernel, aspect: as of `resize`. fill: the colour outside the
    mask, outside the image where a turned box leaves it, and beside a crop that keeps its proportions.
    reference: what tones are matched to, with Tone.MATCHED only. segmenter: for crops without a mask.
    Raises InvalidInputError where these do not fit.
    """

    size: int
    kernel: Kernel = "bilinear"
    aspect: Aspect = "stretch"
    fill: Colour = BLACK
    tone: Tone = Tone.AS_TAKEN
    reference: Reference | None = None
    segmenter: Segmenter | None = None

    def __post_init__(self) -> None:
        if (self.tone is Tone.MATCHED) != (self.reference is not None):
            raise InvalidInputError(
                "matching tones needs a reference, and nothing else uses one; give both or neither",
                field="reference",
            )
        if self.size < 1 or self.kernel not in KERNELS or self.aspect not in ASPECTS:
            raise InvalidInputError(
                f"size {self.size}, kernel {self.kernel!r} and aspect {self.aspect!r} are not all known; use "
                f"a size from 1, one of {', '.join(KERNELS)} and one of {', '.join(ASPECTS)}",
                field="preprocessing",
            )
        if len(self.fill) != len("RGB") or not all(0 <= level <= BRIGHTEST for level in self.fill):
            raise InvalidInputError(f"fill {self.fill} is no colour; give three levels 0..255", field="fill")

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the canonical JSON of everything that changes the pixels."""
        description = {
            "version": 2,
            "decode": "RGB, 8 bit, full size, accurate DCT, smooth chroma, no colour profile",
            "alpha": "over black",
            "sixteen_bit": "high byte",
            "exif_orientation": "applied",
            "order": "tone, mask, crop, resize",
            "tone": f"{self.tone.value}, each channel by the whole image",
            "reference": self.reference and self.reference.digest,
            "segmenter": self.segmenter and self.segmenter.digest,
            "crop": "edges to the nearest pixel, clipped, at least one pixel",
            "theta": "about the exact centre, bilinear, none below 0.1 rad, reduced above 16 megapixels",
            "resize": self.kernel if self.kernel == "opencv-linear" else f"Pillow {self.kernel}, antialiased",
            "aspect": self.aspect,
            "fill": list(self.fill),
            "size": self.size,
        }
        text = json.dumps(description, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def apply(self, crop: ImageCrop, *, max_pixels: int = MAX_PIXELS) -> ByteArray:
        """The (size, size, 3) uint8 model input of a crop.

        Raises UnreadableImageError as `decode`, `locate` and `read_mask` do, and where the mask leaves no
        pixel of the crop; PreconditionError as `Segmenter.mask` does.
        """
        with metrics.EMBED_DECODE_S.time():
            image = decode(crop.content, max_pixels=max_pixels)
        with metrics.EMBED_PREPARE_S.time():
            return self._cropped(crop, image)

    def _cropped(self, crop: ImageCrop, image: ByteArray) -> ByteArray:
        height, width = image.shape[:2]
        place = locate(crop.box or WHOLE, crop.theta, width=width, height=height)
        window = self._toned(image, place)
        animal = self._animal(crop, image, place)
        if animal is not None:
            window = masked(window, animal, self.fill)
        upright = place.upright(window, self.fill)
        return resize(upright, self.size, kernel=self.kernel, aspect=self.aspect, fill=self.fill)

    def _toned(self, image: ByteArray, place: Place) -> ByteArray:
        window = image[place.rows, place.columns]
        if self.tone is Tone.AS_TAKEN:
            return window
        counts = histograms(image)
        return toned(window, matching(counts, self.reference) if self.reference else equalising(counts))

    def _animal(self, crop: ImageCrop, image: ByteArray, place: Place) -> BoolArray | None:
        if crop.mask is not None:
            height, width = image.shape[:2]
            animal = read_mask(crop.mask, width=width, height=height)[place.rows, place.columns]
        elif self.segmenter is not None:
            animal = self.segmenter.mask(image, place.rows, place.columns)
        else:
            return None
        if not animal.any():
            source = "mask" if crop.mask is not None else "segmenter"
            raise UnreadableImageError(
                f"the {source} shows no animal inside the box; send another mask or box"
            )
        return animal
