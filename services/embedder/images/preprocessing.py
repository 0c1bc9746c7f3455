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
from functools import lru_cache

from services.embedder.images.decoding import ByteArray, Decoding, decode, upright_size
from services.embedder.images.headers import MAX_PIXELS, Header
from services.embedder.images.masks import BoolArray, apply_mask, read_mask
from services.embedder.images.photograph import WHOLE_IMAGE, CropPart, Photograph
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
from spotted.boxes.cropping import BLACK, Colour, CropWindow, FractionBox, PixelBox, locate
from spotted.errors import InvalidInputError, UnreadableImageError

BYTES_PER_PIXEL = 24
BRIGHTEST = 255
# a JPEG can be decoded at these parts of its size; SPARE: sides of the box over the input of the backbone,
# at least. Cosines of vectors by SPARE: docs/research/images.md
REDUCTIONS, SPARE = (2, 4, 8), 2
WHOLE = FractionBox(0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class OpenImage:
    """A decoded image, and what its parts have in common."""

    pixels: ByteArray
    """(height, width, 3), upright."""
    curves: ByteArray | None = None
    """(3, 256) tone map, computed from the whole image; None: tones as taken."""
    whole: tuple[int, int] | None = None
    """Width and height that boxes refer to, if it was decoded at a part of its size."""

    def window(self, part: CropPart) -> CropWindow:
        """The window of a part in these pixels. Raises as `locate`, in pixels of the whole image."""
        height, width = self.pixels.shape[:2]
        box = part.box or WHOLE
        if self.whole is None:
            return locate(box, part.theta, width=width, height=height)
        locate(box, part.theta, width=self.whole[0], height=self.whole[1])
        if isinstance(box, PixelBox):
            across, down = width / self.whole[0], height / self.whole[1]
            box = PixelBox(box.x * across, box.y * down, box.width * across, box.height * down)
        return locate(box, part.theta, width=width, height=height)


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
    decoding: Decoding = Decoding.EXACT
    """How JPEG files are decoded; FAST not with a tone map or a segmenter."""

    def __post_init__(self) -> None:
        if self.decoding is Decoding.FAST and (self.tone is not Tone.AS_TAKEN or self.segmenter):
            raise InvalidInputError(
                "fast decoding leaves out pixels that tone maps and segmenters need; decode exactly, or take "
                "tones as taken and no segmenter",
                field="decoding",
            )
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
        return _known_digest(self)

    @property
    def cut_digest(self) -> str:
        """SHA-256 (hex) of the canonical JSON of everything that changes the pixels of `cut`."""
        return _digest(self.cutting)

    @property
    def cutting(self) -> dict[str, object]:
        """Everything that changes the pixels of `cut`, as text."""
        return {
            "version": 2,
            "decode": f"RGB, 8 bit, {self._scale}, accurate DCT, smooth chroma, no colour profile",
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

    @property
    def _scale(self) -> str:
        if self.decoding is Decoding.EXACT:
            return "full size"
        return f"1/2, 1/4 or 1/8 if each side of the box has {SPARE * self.size} pixels"

    def reduction(self, part: CropPart, width: int, height: int) -> int:
        """Divisor of the sides of an upright JPEG of width x height pixels, at which it serves a part."""
        if self.decoding is Decoding.EXACT or part.mask is not None:
            return 1
        box = part.box or WHOLE
        across, down = (width, height) if isinstance(box, FractionBox) else (1, 1)
        inside_x = min((box.x + box.width) * across, width) - max(box.x * across, 0.0)
        inside_y = min((box.y + box.height) * down, height) - max(box.y * down, 0.0)
        least = SPARE * self.size
        return max((r for r in REDUCTIONS if inside_x >= least * r and inside_y >= least * r), default=1)

    def apply(
        self, content: bytes, part: CropPart = WHOLE_IMAGE, *, max_pixels: int = MAX_PIXELS
    ) -> ByteArray:
        """The (size, size, 3) uint8 model input of a part of an image file.

        Raises UnreadableImageError as `decode`, `locate` and `read_mask` do, and if the mask covers no pixel
        of the crop; PreconditionError as `Segmenter.mask` does.
        """
        (image,) = self.open(Photograph(content, (part,)), max_pixels=max_pixels)
        return self.sized(self.cut(image, part))

    def open(
        self, photograph: Photograph, *, max_pixels: int = MAX_PIXELS, header: Header | None = None
    ) -> list[OpenImage]:
        """The image for each of its parts, decoded once for all of the same size. Raises as `decode`.

        header: as in `decode`.
        """
        content, parts = photograph.content, photograph.parts
        size = upright_size(content, max_pixels=max_pixels) if self.decoding is Decoding.FAST else None
        if size is None:
            pixels = decode(content, max_pixels=max_pixels, header=header)
            return [OpenImage(pixels, self._curves(pixels))] * len(parts)
        reductions = [self.reduction(part, *size) for part in parts]
        images = {
            each: OpenImage(decode(content, max_pixels=max_pixels, reduction=each), whole=size)
            for each in sorted(set(reductions), reverse=True)
        }
        return [images[each] for each in reductions]

    def cut(self, image: OpenImage, part: CropPart) -> CutCrop:
        """A part of an image, by the steps of `apply` before the last one, with the errors of `apply`."""
        window = image.window(part)
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


@lru_cache(maxsize=64)
def _known_digest(steps: Preprocessing) -> str:
    """The digest of these steps, which every answer carries."""
    kernel = steps.kernel if steps.kernel == "opencv-linear" else f"Pillow {steps.kernel}, antialiased"
    return _digest({**steps.cutting, "resize": kernel, "aspect": steps.aspect, "size": steps.size})


def _digest(description: dict[str, object]) -> str:
    text = json.dumps(description, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
