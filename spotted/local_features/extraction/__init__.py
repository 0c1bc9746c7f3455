"""Keypoints and descriptors of a chip.

sift     OpenCV's SIFT, compared as RootSIFT
network  any network that finds keypoints, such as ALIKED
by_name  the extractor of a method
"""

from __future__ import annotations

from spotted.local_features.extraction.by_name import Extractor, open_extractor
from spotted.local_features.extraction.network import NetworkExtractor
from spotted.local_features.extraction.sift import SiftExtractor

__all__ = ["Extractor", "NetworkExtractor", "SiftExtractor", "open_extractor"]
