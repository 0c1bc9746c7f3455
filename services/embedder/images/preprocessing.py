"""From an image file to the pixels that a backbone reads, in one frozen order of steps.

1. Decode the file and set it upright.
2. Tone: apply a tone map computed from the whole photograph, as in Spotted.
3. Mask: fill all pixels outside the animal, by the mask sent with the crop or else by the segmenter.
4. Crop: cut the box, turned by theta.
5. Resize the crop to a square.

Tone and mask are computed for the pixels of the crop only, with the same result. Memory: at most
`BYTES_PER_PIXEL` for each pixel of the image, in addition to its file.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from services.embedder.images.decoding import ByteArray, decode
from services.embedder.images.headers import MAX_PIXELS
from services.embedder.images.masks import BoolArray, apply_mask, read_mask
from services.embedder.images.photograph import WHOLE_IMAGE, CropPart
from services.embedder.images.resizing import ASPECTS, KERNELS, Aspect, Kernel, resize
from services.embedder.images.segmenting import Segmenter
from services.embedder.images.tones import (
    Reference,
    Tone,
    apply_curves,
    equalisation_curves,
    histograms,
    matching_curves,
)
from spotted.boxes.cropping import BLACK, Colour, CropWindow, FractionBox, locate
from spotted.errors import InvalidInputError, UnreadableImageError

BYTES_PER_PIXEL = 24
BRIGHTEST = 255
WHOLE = FractionBox(0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class OpenImage:
    """A decoded image, and what its parts have in common."""

    pixels: ByteArray
    """(height, width, 3), upright."""
    curves: ByteArray | None
    """(3, 256) tone map, computed from the whole image; None: tones as taken."""


@dataclass(frozen=True, slots=True)
class CutCrop:
    """The animal, cut out of its image and upright, before it is resized."""

    pixels: ByteArray
    """(h, w, 3), filled outside the mask."""
    animal: BoolArray | None
    """(h, w) the mask; None: all of it shows the animal."""


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """The steps from a file to model input; only vectors of equal digests can be compared.

    Raises InvalidInputError for values that are unknown or do not fit together.
    """

    size: int
    """Edge of the square input, pixels."""
    kernel: Kernel = "bilinear"
    """Kernel of `resize`."""
    aspect: Aspect = "stretch"
    """Aspect of `resize`."""
    fill: Colour = BLACK
    """Colour outside the mask, outside the image if a turned box reaches over it, and of padding."""
    tone: Tone = Tone.AS_TAKEN
    """Tone map of the photograph."""
    reference: Reference | None = None
    """Histograms to match tones to, with Tone.MATCHED only."""
    segmenter: Segmenter | None = None
    """Masks crops that come without a mask."""

    def __post_init__(self) -> None:
        if (self.tone is Tone.MATCHED) != (self.reference is not None):
            raise InvalidInputError(
                "a reference is needed for tone matching and used for nothing else; give both or neither",
                field="reference",
            )
        if self.size < 1 or self.kernel not in KERNELS or self.aspect not in ASPECTS:
            raise InvalidInputError(
                f"size {self.size}, kernel {self.kernel!r} and aspect {self.aspect!r} are not all valid; use "
                f"a size from 1, one of {', '.join(KERNELS)} and one of {', '.join(ASPECTS)}",
                field="preprocessing",
            )
        if len(self.fill) != len("RGB") or not all(0 <= level <= BRIGHTEST for level in self.fill):
            raise InvalidInputError(
                f"fill {self.fill} is not a colour; give three levels 0..255", field="fill"
            )

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the canonical JSON of everything that changes the pixels."""
        return _digest(
            {
                **self._cutting,
                "resize": self.kernel
                if self.kernel == "opencv-linear"
                else f"Pillow {self.kernel}, antialiased",
                "aspect": self.aspect,
                "size": self.size,
            }
        )

    @property
    def cut_digest(self) -> str:
        """SHA-256 (hex) of the canonical JSON of everything that changes the pixels of `cut`."""
        return _digest(self._cutting)

    @property
    def _cutting(self) -> dict[str, object]:
        return {
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
            "fill": list(self.fill),
        }

    def apply(
        self, content: bytes, part: CropPart = WHOLE_IMAGE, *, max_pixels: int = MAX_PIXELS
    ) -> ByteArray:
        """The (size, size, 3) uint8 model input of a part of an image file.

        Raises UnreadableImageError as `decode`, `locate` and `read_mask` do, and if the mask covers no pixel
        of the crop; PreconditionError as `Segmenter.mask` does.
        """
        return self.sized(self.cut(self.open(decode(content, max_pixels=max_pixels)), part))

    def open(self, pixels: ByteArray) -> OpenImage:
        """An upright (H, W, 3) image with what its parts have in common."""
        return OpenImage(pixels, self._curves(pixels))

    def cut(self, image: OpenImage, part: CropPart) -> CutCrop:
        """A part of an image, by the steps of `apply` before the last one, with the errors of `apply`."""
        height, width = image.pixels.shape[:2]
        window = locate(part.box or WHOLE, part.theta, width=width, height=height)
        pixels = image.pixels[window.rows, window.columns]
        if image.curves is not None:
            pixels = apply_curves(pixels, image.curves)
        animal = self._animal(part, image.pixels, window)
        if animal is None:
            return CutCrop(window.upright(pixels, self.fill), None)
        # a name for each step would keep all of their pixels
        pixels = apply_mask(pixels, animal, self.fill)
        pixels = window.upright(pixels, self.fill)
        return CutCrop(pixels, window.upright_mask(animal))

    def sized(self, cut: CutCrop) -> ByteArray:
        """The (size, size, 3) uint8 model input of a crop that was cut."""
        return resize(cut.pixels, self.size, kernel=self.kernel, aspect=self.aspect, fill=self.fill)

    def _curves(self, pixels: ByteArray) -> ByteArray | None:
        if self.tone is Tone.AS_TAKEN:
            return None
        counts = histograms(pixels)
        return matching_curves(counts, self.reference) if self.reference else equalisation_curves(counts)

    def _animal(self, part: CropPart, image: ByteArray, window: CropWindow) -> BoolArray | None:
        if part.mask is not None:
            height, width = image.shape[:2]
            animal = read_mask(part.mask, width=width, height=height)[window.rows, window.columns]
        elif self.segmenter is not None:
            animal = self.segmenter.mask(image, window.rows, window.columns)
        else:
            return None
        if not animal.any():
            source = "mask" if part.mask is not None else "segmenter"
            raise UnreadableImageError(
                f"the {source} shows no animal inside the box; send another mask or box"
            )
        return animal


def _digest(description: dict[str, object]) -> str:
    text = json.dumps(description, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
