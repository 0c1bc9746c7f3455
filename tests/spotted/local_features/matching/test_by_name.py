from __future__ import annotations

import numpy as np
import pytest

from spotted.errors import InvalidInputError
from spotted.local_features.manifests import MethodManifest
from spotted.local_features.matching.by_name import open_matcher
from spotted.local_features.matching.lnbnn import Lnbnn
from spotted.local_features.matching.normalisers import Normalisers
from spotted.local_features.methods import HOTSPOTTER

MANIFEST = MethodManifest("dots", 320, 256, 64, "a" * 64, "b" * 64, "MIT", "ours")


def test_hotspotter_needs_normalisers_only() -> None:
    normalisers = Normalisers.sample([], [], rng=np.random.default_rng(0))
    assert isinstance(open_matcher(HOTSPOTTER, normalisers=normalisers), Lnbnn)


def test_a_matcher_without_what_it_needs_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="normalisers of its survey"):
        open_matcher(HOTSPOTTER)
    with pytest.raises(InvalidInputError, match="files of its network"):
        open_matcher(MANIFEST.spec)
