"""Matches of detections by a network such as LightGlue, which sees all keypoints of both at once.

It judges positions itself, so its matches are not verified by their geometry. Its scores depend only on the
pair.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnxruntime

from spotted.arrays import Float32Array, Float64Array
from spotted.errors import PreconditionError
from spotted.local_features.features import LocalFeatures
from spotted.local_features.matching.matchable import Matchable, in_order
from spotted.local_features.matching.matches import Matches
from spotted.local_features.methods import MethodSpec
from spotted.local_features.quantisation import dequantise

# LightGlue's own threshold of a match
LEAST_SCORE = 0.1
# local score of a match that is certain: ten of them weigh as much as the local score 0.1 of other methods
CERTAIN = np.float32(0.01)


@dataclass(frozen=True, slots=True, eq=False)
class NetworkMatcher:
    """A network that matches, as `manifests` describes it.

    >>> import numpy as np
    >>> class Diagonal:  # stands for an onnxruntime session
    ...     def run(self, outputs, inputs):
    ...         return [np.diag(np.float32([0.75, 0.05]))[None]]
    >>> points = np.array([[10, 20, 1, 0], [30, 40, 1, 0]], dtype=np.float32)
    >>> features = LocalFeatures(points, np.full((2, 64), 130, dtype=np.uint8), (320, 200))
    >>> matcher = NetworkMatcher(MethodSpec("twins", "network", "lightglue", 320, 256, 64), Diagonal())
    >>> one = matcher.prepare(features, "e1")
    >>> matcher.match_pair(one, one).weights.tolist()
    [0.007499999832361937]
    """

    spec: MethodSpec
    """The method of the features."""
    session: onnxruntime.InferenceSession
    """The network."""

    def prepare(self, features: LocalFeatures, owner: str) -> Matchable:  # noqa: ARG002 - it needs no owner
        """Features ready to be matched. Raises PreconditionError if they are of another network."""
        elements = features.descriptors.shape[1]
        if elements != self.spec.dimension:
            raise PreconditionError(
                f"descriptors of {elements} elements cannot be matched by {self.spec.name!r}, which has "
                f"{self.spec.dimension}; extract them again, with `spotted embed SURVEY --local "
                f"{self.spec.name} --again`"
            )
        return Matchable.of(features, np.full(len(features), np.inf, dtype=np.float32))

    def match_pair(self, a: Matchable, b: Matchable) -> Matches:
        """The matches of two detections: each the best of the other, with scores above the threshold."""
        first, second = in_order(a, b)
        scores = self._scores(first.features, second.features)
        if not scores.size:
            none = np.zeros(0, dtype=np.int64)
            return Matches.of(a.features, b.features, none, none, none.astype(np.float32), score=0.0)
        best = scores.argmax(axis=1)
        rows = np.arange(len(scores))
        mutual = scores[:, best].argmax(axis=0) == rows
        kept = np.flatnonzero(mutual & (scores[rows, best] > LEAST_SCORE))
        weights = CERTAIN * scores[kept, best[kept]]
        total = float(weights.sum(dtype=np.float64))
        matches = Matches.of(first.features, second.features, kept, best[kept], weights, score=total)
        return matches if first is a else matches.swapped()

    def match_shortlist(self, query: Matchable, candidates: Sequence[Matchable]) -> list[Matches]:
        """The matches of a detection with each candidate."""
        return [self.match_pair(query, candidate) for candidate in candidates]

    def score_shortlist(self, query: Matchable, candidates: Sequence[Matchable]) -> Float64Array:
        """The score of a detection with each candidate, (candidates,): 0 if nothing matches."""
        return np.array([matches.score for matches in self.match_shortlist(query, candidates)], dtype=float)

    def _scores(self, a: LocalFeatures, b: LocalFeatures) -> Float32Array:
        """The score (n, m) of each pair of keypoints."""
        if not (len(a) and len(b)):
            return np.zeros((len(a), len(b)), dtype=np.float32)
        inputs = {
            "points_a": _centred(a),
            "descriptors_a": dequantise(a.descriptors)[None],
            "points_b": _centred(b),
            "descriptors_b": dequantise(b.descriptors)[None],
        }
        (scores,) = self.session.run(["scores"], inputs)
        return np.asarray(scores[0])


def _centred(features: LocalFeatures) -> Float32Array:
    """Points (1, n, 2) from the centre of the chip, in halves of its longest side."""
    half = np.array(features.size, dtype=np.float32) / 2.0
    return np.asarray((features.points[None, :, :2] - half) / half.max(), dtype=np.float32)
