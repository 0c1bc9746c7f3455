"""Matching of local features in a fake scorer: at once, by the library's matcher."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from spotted import messages
from spotted.arrays import BoolArray, IntArray
from spotted.errors import PreconditionError
from spotted.local_features.features import LocalFeatures
from spotted.local_features.matching import Matches, Normalisers, open_matcher
from spotted.local_features.methods import METHODS
from spotted.ranking.gallery import Gallery
from spotted.ranking.ranker import Ranker
from spotted.scoring.local_pairs import LocalPairs
from spotted.survey import Detection
from spotted.testing.fake_local_features import METHOD
from spotted.v1 import local_features_pb2 as pb

# candidates of each detection that are matched, if a request does not say
CANDIDATES = 50
# matched marks that an explanation carries
MOST_POINTS = 100
Points = list[pb.MatchedPoint]
# equal features of the fake embedder share one mark, in the middle of both crops
ALIKE = [pb.MatchedPoint(first_x=0.5, first_y=0.5, second_x=0.5, second_y=0.5, weight=1.0)]


@dataclass
class FakeMarks:
    """The scores of the pairs of a survey that were matched, in memory.

    >>> marks = FakeMarks()
    >>> detections = {one: Detection(one) for one in "abc"}
    >>> features = {"a": b"1", "b": b"1", "c": b"2"}
    >>> [len(marks.points(METHOD, detections, features, "a", other)) for other in "bc"]
    [1, 0]
    """

    normalisers: Normalisers | None = None
    """Those of the first matching; None for none yet."""
    scores: dict[frozenset[tuple[str, bytes]], tuple[float, int]] = field(default_factory=dict)
    """Score and number of marks by the ids and features of a pair."""

    def pairs(self, detections: Mapping[str, Detection], features: Mapping[str, bytes]) -> LocalPairs | None:
        """The scores of pairs whose features are still those that were matched; None if none ever was."""
        if not self.scores:
            return None
        row = {detection_id: index for index, detection_id in enumerate(detections)}
        known = [
            (*(row[i] for i, _ in pair), *found)
            for pair, found in self.scores.items()
            if all(i in row and features.get(i) == content for i, content in pair)
        ]
        first, second, scores, marks = np.array(known, np.float64).reshape(-1, 4).T
        rows = first.astype(np.int64), second.astype(np.int64)
        return LocalPairs.of(*rows, scores.astype(np.float32), marks.astype(np.uint16))

    def match(
        self,
        gallery: Callable[[], Gallery],
        method: str,
        detections: Mapping[str, Detection],
        features: Mapping[str, bytes],
        request: pb.MatchLocalFeaturesRequest,
    ) -> int:
        """Match each detection with its best candidates; returns the number of new pairs.

        Raises PreconditionError.
        """
        _check(method, features, request.survey_id)
        if request.renew or self.normalisers is None:
            self.scores.clear()
            self.normalisers = _normalisers(method, detections, features)
        ids, before = list(detections), len(self.scores)
        ready = np.array([i in features for i in ids])

        def allowed(rows: IntArray, columns: IntArray) -> BoolArray:
            return np.asarray(ready[rows] & ready[columns])

        count = request.candidates or CANDIDATES
        for ranked in Ranker(gallery()).top_k(np.flatnonzero(ready), count, allowed=allowed):
            for row in ranked.rows.tolist():
                pair = ids[min(ranked.query, row)], ids[max(ranked.query, row)]
                key = frozenset((i, features[i]) for i in pair)
                if key not in self.scores:
                    self.scores[key] = self._score(method, detections, features, *pair)
        return len(self.scores) - before

    def points(
        self,
        method: str,
        detections: Mapping[str, Detection],
        features: Mapping[str, bytes],
        first: str,
        second: str,
    ) -> Points:
        """The matched marks of a pair that both have features."""
        if method == METHOD:
            return ALIKE if features[first] == features[second] else []
        matches = self._matches(method, detections, features, first, second).strongest(MOST_POINTS)
        sizes = [LocalFeatures.from_bytes(features[i]).size for i in (first, second)]
        points = np.hstack([matches.points_a / sizes[0], matches.points_b / sizes[1]])
        return messages.matched_points(points, matches.weights)

    def _score(
        self,
        method: str,
        detections: Mapping[str, Detection],
        features: Mapping[str, bytes],
        first: str,
        second: str,
    ) -> tuple[float, int]:
        if method == METHOD:
            alike = features[first] == features[second]
            return float(alike), int(alike)
        matches = self._matches(method, detections, features, first, second)
        return matches.score, len(matches)

    def _matches(
        self,
        method: str,
        detections: Mapping[str, Detection],
        features: Mapping[str, bytes],
        first: str,
        second: str,
    ) -> Matches:
        matcher = open_matcher(METHODS[method], normalisers=self.normalisers)
        one, other = (
            matcher.prepare(LocalFeatures.from_bytes(features[i]), _owner(detections[i]))
            for i in (first, second)
        )
        return matcher.match_pair(one, other)


def _check(method: str, features: Mapping[str, bytes], survey_id: str) -> None:
    if len(features) < 2:  # noqa: PLR2004 - a pair
        raise PreconditionError(
            f"survey {survey_id!r} has {len(features)} detections with local features; extract them first"
        )
    if method not in {METHOD, *METHODS}:
        raise PreconditionError(
            f"local features of method {method!r} cannot be matched; extract them by "
            f"{' or '.join(sorted(METHODS))}"
        )


def _normalisers(
    method: str, detections: Mapping[str, Detection], features: Mapping[str, bytes]
) -> Normalisers:
    found = [i for i in detections if i in features] if method != METHOD else []
    owners = [_owner(detections[i]) for i in found]
    parsed = [LocalFeatures.from_bytes(features[i]) for i in found]
    return Normalisers.sample(parsed, owners, rng=np.random.default_rng(0))


def _owner(detection: Detection) -> str:
    encounter = detection.encounter_id
    return f"e:{encounter}" if encounter else f"d:{detection.detection_id}"
