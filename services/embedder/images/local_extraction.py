"""Local features: the methods that a process can extract, and the digest of the features of a crop."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from services.common.local_methods import exported_methods, read_extractor
from services.embedder.images.decoding import ByteArray
from services.embedder.images.footprints import Footprint, local_footprint
from services.embedder.images.masks import BoolArray
from services.embedder.images.preprocessing import Preprocessing
from spotted.local_features.features import LocalFeatures
from spotted.local_features.methods import METHODS, MethodSpec, installed_methods

if TYPE_CHECKING:
    from spotted.local_features.extraction.by_name import Extractor


@dataclass(frozen=True, slots=True, eq=False)
class LoadedExtractor:
    """The extractor of a method; another process that it is sent to loads it again."""

    extractor: Extractor
    models: Path
    """Directory of models, in which the files of methods with networks are."""

    def __reduce__(self) -> tuple[Callable[[Path, str], LoadedExtractor], tuple[Path, str]]:
        return load_extractor, (self.models.absolute(), self.spec.name)

    @property
    def spec(self) -> MethodSpec:
        """The method."""
        return self.extractor.spec

    @property
    def needs(self) -> Footprint:
        """The footprint of the features of one part of an image."""
        return local_footprint(self.spec)

    def extract(self, picture: ByteArray, mask: BoolArray | None = None) -> LocalFeatures:
        """The features of the crop of a detection, as `Extractor.extract`."""
        return self.extractor.extract(picture, mask)


def local_digest(extractor: Extractor, steps: Preprocessing) -> str:
    """SHA-256 (hex) of all that changes the features: the method, and how the crop is cut."""
    return hashlib.sha256(f"{extractor.spec.digest} {steps.cut_digest}".encode()).hexdigest()


def load_extractors(models: Path) -> Mapping[str, LoadedExtractor]:
    """The methods that this process can extract, by name; empty without the extra `local`.

    models: directory of models; methods with networks are those whose files are there.
    Raises PreconditionError if one of them is damaged.
    """
    if importlib.util.find_spec("cv2") is None:
        return {}
    return {name: load_extractor(models, name) for name in (*installed_methods(), *exported_methods(models))}


def load_extractor(models: Path, name: str) -> LoadedExtractor:
    """The extractor of a method. Raises PreconditionError if its files are missing or damaged."""
    # processes that extract nothing need no OpenCV
    import cv2  # noqa: PLC0415

    from spotted.local_features.extraction.by_name import open_extractor  # noqa: PLC0415 - imports OpenCV

    # the workers of the embedder, and those of a batch, use all cores
    cv2.setNumThreads(1)
    files = None if name in METHODS else read_extractor(models, name)
    return LoadedExtractor(open_extractor(name, files), models)
