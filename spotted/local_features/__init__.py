"""Local evidence: the marks that two photographs share, beside the vector of the whole animal.

A method extracts keypoints with descriptors from the crop of a detection; two detections are matched by them,
and the sum of the weights of their matches is the local score of the pair. A pair that was not matched has no
local score, which is not the score 0.

features      keypoints and descriptors of a detection, and their bytes
methods       the methods by name, and everything on which their features depend
manifests     the files of a method with networks
chips         the crop of a detection at the size at which a method looks at it
quantisation  descriptors of networks as bytes
extraction    the features of a chip
matching      the matches of two detections
verification  the matches that one movement explains
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spotted.lazy import lazy_face

if TYPE_CHECKING:
    from spotted.local_features.extraction.by_name import Extractor, open_extractor
    from spotted.local_features.features import LocalFeatures
    from spotted.local_features.manifests import MethodFiles, MethodManifest
    from spotted.local_features.matching.by_name import PairMatcher, open_matcher
    from spotted.local_features.matching.matchable import Matchable
    from spotted.local_features.matching.matches import Matches
    from spotted.local_features.matching.name_scores import score_names
    from spotted.local_features.matching.normalisers import Normalisers
    from spotted.local_features.methods import MethodSpec, method_by_name
    from spotted.local_features.verification import Verified, verify

__all__ = [
    "Extractor",
    "LocalFeatures",
    "Matchable",
    "Matches",
    "MethodFiles",
    "MethodManifest",
    "MethodSpec",
    "Normalisers",
    "PairMatcher",
    "Verified",
    "method_by_name",
    "open_extractor",
    "open_matcher",
    "score_names",
    "verify",
]

# OpenCV and onnxruntime are slow to import; features and methods need neither
__getattr__ = lazy_face(
    __name__,
    {
        "extraction.by_name": ("Extractor", "open_extractor"),
        "features": ("LocalFeatures",),
        "manifests": ("MethodFiles", "MethodManifest"),
        "matching.by_name": ("PairMatcher", "open_matcher"),
        "matching.matchable": ("Matchable",),
        "matching.matches": ("Matches",),
        "matching.name_scores": ("score_names",),
        "matching.normalisers": ("Normalisers",),
        "methods": ("MethodSpec", "method_by_name"),
        "verification": ("Verified", "verify"),
    },
)
