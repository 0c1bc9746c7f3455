"""Keypoints and descriptors of a chip.

sift     OpenCV's SIFT, compared as RootSIFT
hessian_affine  HotSpotter's own keypoints, by pyhesaff
network  any network that finds keypoints, such as ALIKED
by_name  the extractor of a method
"""

from __future__ import annotations

from spotted.local_features.extraction.by_name import Extractor, open_extractor
from spotted.local_features.extraction.hessian_affine import HessianAffineExtractor
from spotted.local_features.extraction.network import NetworkExtractor
from spotted.local_features.extraction.sift import SiftExtractor

__all__ = ["Extractor", "HessianAffineExtractor", "NetworkExtractor", "SiftExtractor", "open_extractor"]
