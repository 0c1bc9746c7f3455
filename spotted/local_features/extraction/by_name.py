"""The extractor of a method."""

from __future__ import annotations

from typing import Protocol

from spotted.arrays import BoolArray, ByteArray
from spotted.errors import InvalidInputError
from spotted.local_features.extraction.hessian_affine import HessianAffineExtractor
from spotted.local_features.extraction.network import NetworkExtractor
from spotted.local_features.extraction.sift import SiftExtractor
from spotted.local_features.features import LocalFeatures
from spotted.local_features.manifests import MethodFiles
from spotted.local_features.methods import HOTSPOTTER_AFFINE, MethodSpec, method_by_name


class Extractor(Protocol):
    """The features of crops by one method; may be used by several threads at once.

    >>> extractor: Extractor = open_extractor("hotspotter")
    >>> extractor.spec.name
    'hotspotter'
    """

    @property
    def spec(self) -> MethodSpec:
        """The method of the features."""

    def extract(self, picture: ByteArray, mask: BoolArray | None = None) -> LocalFeatures:
        """The features of the crop of a detection, RGB (h, w, 3). mask (h, w): only keypoints in it count."""


def open_extractor(name: str, files: MethodFiles | None = None, *, threads: int = 1) -> Extractor:
    """The extractor of a method.

    files: of a method with networks, whose name they have. threads: of one run of a network.
    Raises InvalidInputError if the method is unknown or needs files, PreconditionError if files are wrong.
    """
    if files is None:
        spec = method_by_name(name)
        return HessianAffineExtractor(spec) if spec == HOTSPOTTER_AFFINE else SiftExtractor(spec)
    if files.manifest.name != name:
        raise InvalidInputError(
            f"the files describe the local method {files.manifest.name!r}, not {name!r}; choose that one",
            field="local_method",
        )
    return NetworkExtractor(files.manifest.spec, files.open_extractor(threads=threads))
