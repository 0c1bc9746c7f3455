"""Local features: the methods that a process can extract, and the digest of the features of a crop."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Mapping
from typing import TYPE_CHECKING

from services.embedder.images.preprocessing import Preprocessing
from spotted.local_features.methods import METHODS

if TYPE_CHECKING:
    from spotted.local_features.extraction.by_name import Extractor


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
