"""The matcher of a method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from spotted.arrays import Float64Array
from spotted.errors import InvalidInputError
from spotted.local_features.features import LocalFeatures
from spotted.local_features.manifests import MethodFiles
from spotted.local_features.matching.lightglue import NetworkMatcher
from spotted.local_features.matching.lnbnn import Lnbnn
from spotted.local_features.matching.matchable import Matchable
from spotted.local_features.matching.matches import Matches
from spotted.local_features.matching.normalisers import Normalisers
from spotted.local_features.methods import MethodSpec


class PairMatcher(Protocol):
    """The matches of detections by one method; may be used by several threads at once.

    The score of a pair depends on the pair and, for LNBNN, on the frozen normalisers: not on the order of the
    two, not on other candidates.

    >>> from spotted.local_features.methods import method_by_name
    >>> import numpy as np
    >>> normalisers = Normalisers.sample([], [], rng=np.random.default_rng(0))
    >>> matcher: PairMatcher = open_matcher(method_by_name("hotspotter"), normalisers=normalisers)
    >>> matcher.spec.matcher
    'lnbnn'
    """

    @property
    def spec(self) -> MethodSpec:
        """The method of the features."""

    def prepare(self, features: LocalFeatures, owner: str) -> Matchable:
        """Features ready to be matched. owner: as in `Normalisers.sample`."""

    def match_pair(self, a: Matchable, b: Matchable) -> Matches:
        """The matches of two detections."""

    def match_shortlist(self, query: Matchable, candidates: Sequence[Matchable]) -> list[Matches]:
        """The matches of a detection with each candidate."""

    def score_shortlist(self, query: Matchable, candidates: Sequence[Matchable]) -> Float64Array:
        """The score of a detection with each candidate, (candidates,): 0 if nothing matches."""


def open_matcher(
    spec: MethodSpec,
    *,
    normalisers: Normalisers | None = None,
    files: MethodFiles | None = None,
    threads: int = 1,
) -> PairMatcher:
    """The matcher of a method.

    normalisers: those of the survey, needed by LNBNN. files: needed by a network that matches.
    Raises InvalidInputError if one is missing, PreconditionError if files are wrong.
    """
    if spec.matcher == "lnbnn":
        if normalisers is None:
            raise InvalidInputError(f"local method {spec.name!r} needs the normalisers of its survey")
        return Lnbnn(spec, normalisers)
    if files is None:
        raise InvalidInputError(f"local method {spec.name!r} needs the files of its network")
    return NetworkMatcher(spec, files.open_matcher(threads=threads))
