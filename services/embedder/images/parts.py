"""The parts of an image as they are embedded, and their local features, from the same pixels.

The image is decoded and its tone map computed once for all parts. A box is cut, its tone mapped and its
background filled once, for the vector and for the features.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.embedder.images.decoding import ByteArray
from services.embedder.images.headers import MAX_PIXELS, Header
from services.embedder.images.photograph import CropPart, Photograph
from services.embedder.images.preprocessing import OpenImage, Preprocessing
from services.embedder.reports import NO_REPORTS, Reports
from spotted.errors import PreconditionError, UnreadableImageError

if TYPE_CHECKING:
    from spotted.local_features.extraction.by_name import Extractor

# what fails one part of an image: its box or mask, or a network that returns no finite numbers for it
PartError = UnreadableImageError | PreconditionError
PART_ERRORS = (UnreadableImageError, PreconditionError)


@dataclass(frozen=True, slots=True)
class PreparedCrop:
    """A crop as it is embedded."""

    pixels: ByteArray
    """(size, size, 3) uint8 input of the backbone."""
    local_features: bytes = b""
    """At most 64 KiB; empty if none were requested."""


def prepare_parts(
    photograph: Photograph,
    steps: Preprocessing,
    extractor: Extractor | None,
    *,
    max_pixels: int = MAX_PIXELS,
    header: Header | None = None,
    reports: Reports = NO_REPORTS,
) -> list[PreparedCrop | PartError]:
    """The input of the backbone and the local features of each part of an image, which is decoded once.

    A part that cannot be used has its error instead. header: as in `decode`.
    Raises UnreadableImageError as `decode`.
    """
    with reports.timed("decode"):
        images = steps.open(photograph, max_pixels=max_pixels, header=header)
    with reports.timed("prepare"):
        return [
            _prepared(image, part, steps, extractor)
            for image, part in zip(images, photograph.parts, strict=True)
        ]


def _prepared(
    image: OpenImage, part: CropPart, steps: Preprocessing, extractor: Extractor | None
) -> PreparedCrop | PartError:
    try:
        cut = steps.cut(image, part)
    except PART_ERRORS as error:
        # without its traceback, whose frames would keep the pixels of the image
        return type(error)(str(error))
    features = extractor.extract(cut.pixels, cut.animal).to_bytes() if extractor else b""
    return PreparedCrop(steps.sized(cut), features)
