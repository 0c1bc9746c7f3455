"""Local features of a crop, from the pixels that the backbone's input is made of.

The box is cut, its tone mapped and its background filled once, for the vector and for the features.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.embedder.images.decoding import ByteArray
from services.embedder.images.headers import MAX_PIXELS
from services.embedder.images.preprocessing import ImageCrop, Preprocessing
from spotted.local_features.methods import METHODS

if TYPE_CHECKING:
    from spotted.local_features.extraction.by_name import Extractor


@dataclass(frozen=True, slots=True)
class PreparedCrop:
    """A crop as it is embedded."""

    pixels: ByteArray
    """(size, size, 3) uint8 input of the backbone."""
    local_features: bytes = b""
    """At most 64 KiB; empty if none were requested."""


def prepare_crop(
    crop: ImageCrop, steps: Preprocessing, extractor: Extractor | None, *, max_pixels: int = MAX_PIXELS
) -> PreparedCrop:
    """The input of the backbone and the local features of a crop. Raises as `Preprocessing.apply`."""
    cut = steps.cut(crop, max_pixels=max_pixels)
    features = extractor.extract(cut.pixels, cut.animal).to_bytes() if extractor else b""
    return PreparedCrop(steps.sized(cut), features)


def local_digest(extractor: Extractor, steps: Preprocessing) -> str:
    """SHA-256 (hex) of all that changes the features: the method, and how the crop is cut."""
    return hashlib.sha256(f"{extractor.spec.digest} {steps.cut_digest}".encode()).hexdigest()


def load_extractors() -> Mapping[str, Extractor]:
    """The methods that this process can extract, by name; empty without the extra `local`."""
    if importlib.util.find_spec("cv2") is None:
        return {}
    # services that extract nothing need no OpenCV
    import cv2  # noqa: PLC0415

    from spotted.local_features.extraction.by_name import open_extractor  # noqa: PLC0415

    # the workers of the embedder use all cores
    cv2.setNumThreads(1)
    return {name: open_extractor(name) for name in METHODS}
