"""The local methods that are measured, by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.common.local_methods import read_extractor, read_matcher
from spotted.local_features.extraction.by_name import Extractor, open_extractor
from spotted.local_features.features import LocalFeatures
from spotted.local_features.manifests import MethodFiles
from spotted.local_features.matching.by_name import PairMatcher, open_matcher
from spotted.local_features.matching.normalisers import Normalisers
from spotted.local_features.methods import METHODS, MethodSpec


@dataclass(frozen=True, slots=True)
class Method:
    """A local method that is measured."""

    extractor: Extractor
    files: MethodFiles | None = None
    """Those of its matcher, if a network matches."""

    @property
    def spec(self) -> MethodSpec:
        """Everything on which its features and scores depend."""
        return self.extractor.spec

    def matcher(self, features: Sequence[LocalFeatures], encounters: Sequence[str]) -> PairMatcher:
        """A matcher of photographs; normalisers are drawn from them."""
        rng = np.random.default_rng(0)
        normalisers = Normalisers.sample(features, encounters, rng=rng) if self.files is None else None
        return open_matcher(self.spec, normalisers=normalisers, files=self.files)


HOTSPOTTER = Method(open_extractor("hotspotter"))


def open_method(name: str, models: Path) -> Method:
    """A method by name; one with networks is in the directory of models."""
    if name in METHODS:
        return Method(open_extractor(name))
    extractor = open_extractor(name, read_extractor(models, name))
    return Method(extractor, read_matcher(models, name) if extractor.spec.matcher_sha256 else None)
