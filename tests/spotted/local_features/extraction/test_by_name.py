from __future__ import annotations

import pytest

from spotted.errors import InvalidInputError
from spotted.local_features.extraction.by_name import open_extractor
from spotted.local_features.extraction.sift import SiftExtractor
from spotted.local_features.manifests import MethodFiles, MethodManifest
from spotted.local_features.methods import HOTSPOTTER

MANIFEST = MethodManifest("dots", 320, 256, 64, "a" * 64, "b" * 64, "MIT", "ours")


def test_hotspotter_needs_no_files() -> None:
    assert open_extractor("hotspotter") == SiftExtractor(HOTSPOTTER)


def test_files_of_another_method_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="'dots', not 'stripes'"):
        open_extractor("stripes", MethodFiles(MANIFEST, b""))
