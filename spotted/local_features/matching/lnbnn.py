"""Matches of detections by local naive Bayes nearest neighbours (LNBNN), verified by their geometry.

A keypoint votes for its nearest keypoint in another detection if that is nearer than its normaliser, with the
difference of both distances. Both detections vote, so the score of a pair does not depend on their order; nor
does it depend on the other candidates. The score is the sum of the verified votes and a small share of all.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from spotted.arrays import Float32Array, Float64Array, IntArray
from spotted.local_features.features import LocalFeatures
from spotted.local_features.matching.distances import tables
from spotted.local_features.matching.matchable import Matchable, in_order
from spotted.local_features.matching.matches import Matches
from spotted.local_features.matching.normalisers import Normalisers
from spotted.local_features.methods import MethodSpec
from spotted.local_features.verification import FEWEST_INLIERS, verify

# share of the votes that counts whether or not their geometry agrees: it ranks pairs without verified matches
UNVERIFIED_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Lnbnn:
    """Matching with one set of normalisers.

    >>> import numpy as np
    >>> from spotted.local_features.methods import method_by_name
    >>> rng = np.random.default_rng(0)
    >>> def photograph(descriptors):
    ...     points = np.array([[90 * i, 40 * (i % 3), 9, 0] for i in range(1, 7)], dtype=np.float32)
    ...     return LocalFeatures(points, descriptors, (700, 467))
    >>> marks, others = rng.integers(0, 90, (2, 6, 128), dtype=np.uint8)
    >>> one, again, stranger = photograph(marks), photograph(marks + 1), photograph(others)
    >>> names = ["e1", "e2", "e3"]
    >>> normalisers = Normalisers.sample([one, again, stranger], names, rng=rng)
    >>> lnbnn = Lnbnn(method_by_name("hotspotter"), normalisers)
    >>> a, b, c = (lnbnn.prepare(f, name) for f, name in zip([one, again, stranger], names))
    >>> len(lnbnn.match_pair(a, b)), len(lnbnn.match_pair(a, c))
    (6, 0)
    """

    spec: MethodSpec
    """The method of the features."""
    normalisers: Normalisers
    """The frozen normalisers of the survey."""

    def prepare(self, features: LocalFeatures, owner: str) -> Matchable:
        """Features ready to be matched; costs more than a pair, so keep them. owner: as in `Normalisers`."""
        limits = self.normalisers.limits(features, owner)
        # without enough normalisers nothing says that a match is near
        return Matchable.of(features, np.where(np.isfinite(limits), limits, np.float32(0.0)))

    def match_pair(self, a: Matchable, b: Matchable) -> Matches:
        """The verified matches of two detections."""
        (matches,) = self.match_shortlist(a, [b])
        return matches

    def match_shortlist(self, query: Matchable, candidates: Sequence[Matchable]) -> list[Matches]:
        """The verified matches of a detection with each candidate."""
        largest = np.sqrt(2.0) * self.spec.descriptor_length
        return [
            _verified(query, candidate, *votes)
            for candidate, votes in zip(candidates, _votes(query, candidates, largest), strict=True)
        ]

    def score_shortlist(self, query: Matchable, candidates: Sequence[Matchable]) -> Float64Array:
        """The score of a detection with each candidate, (candidates,): 0 if nothing is near."""
        return np.array([matches.score for matches in self.match_shortlist(query, candidates)], dtype=float)


def _votes(
    query: Matchable, candidates: Sequence[Matchable], largest: float
) -> Iterator[tuple[IntArray, IntArray, Float64Array]]:
    """For each candidate the rows of the query, of the candidate, and the weights of matched keypoints."""
    rows, columns, squares = near_pairs(query, candidates)
    bounds = np.cumsum([0, *(len(candidate.features) for candidate in candidates)])
    ends = np.searchsorted(columns, bounds)
    for i, candidate in enumerate(candidates):
        own = slice(ends[i], ends[i + 1])
        yield vote(rows[own], columns[own] - bounds[i], squares[own], query.limits, candidate.limits, largest)


def near_pairs(query: Matchable, candidates: Sequence[Matchable]) -> tuple[IntArray, IntArray, Float32Array]:
    """Keypoints that are nearer than the normaliser of either one.

    Returns rows of the query, rows of all candidates one after the other (ascending), and squared distances.
    """
    dimension = query.features.descriptors.shape[1]
    none = np.zeros((0, dimension), dtype=np.uint8)
    stacked = np.concatenate([none, *(candidate.features.descriptors for candidate in candidates)])
    limits = np.concatenate([np.zeros(0, np.float32), *(candidate.limits for candidate in candidates)])
    parts: list[tuple[IntArray, IntArray, Float32Array]] = []
    for start, table in tables(query.features.descriptors, stacked):
        part = limits[start : start + table.shape[1]]
        rows, columns = np.divmod(
            np.flatnonzero(table < np.maximum.outer(query.limits, part)), max(1, table.shape[1])
        )
        order = np.argsort(columns, kind="stable")
        rows, columns = rows[order], columns[order]
        parts.append((rows, columns + start, table[rows, columns]))
    if not parts:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32)
    rows, columns, squares = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return rows, columns, squares


def vote(
    rows: IntArray,
    columns: IntArray,
    squares: Float32Array,
    limits_a: Float32Array,
    limits_b: Float32Array,
    largest: float,
) -> tuple[IntArray, IntArray, Float64Array]:
    """The votes of both detections of a pair, from pairs of keypoints that are nearer than a normaliser.

    Returns the matched rows of either detection and their weights: half of the sum of both votes.
    """
    distances = np.sqrt(squares.astype(np.float64))
    weights = np.zeros(len(rows))
    for own, other, limits in ((rows, columns, limits_a), (columns, rows, limits_b)):
        # of equally near ones the first
        order = np.lexsort((other, squares, own))
        first = np.ones(len(order), dtype=np.bool_)
        first[1:] = own[order][1:] != own[order][:-1]
        nearest = order[first]
        gains = np.sqrt(limits[own[nearest]].astype(np.float64)) - distances[nearest]
        weights[nearest] += np.maximum(gains, 0.0) / (2.0 * largest)
    matched = np.flatnonzero(weights > 0.0)
    return rows[matched], columns[matched], weights[matched]


def _verified(
    query: Matchable, candidate: Matchable, rows: IntArray, columns: IntArray, weights: Float64Array
) -> Matches:
    """The matches that agree in their geometry, which is computed in one order of the two detections."""
    a, b = in_order(query, candidate)
    exchanged = a is not query
    rows_a, rows_b = (columns, rows) if exchanged else (rows, columns)
    # exact, so that it does not depend on the order of the votes
    unverified = UNVERIFIED_SHARE * math.fsum(weights)
    if _enough(rows_a, rows_b):
        # equal sums of weights are decided by the first match
        order = np.lexsort((rows_b, rows_a))
        rows_a, rows_b, weights = rows_a[order], rows_b[order], weights[order]
        found = verify(
            a.features.points[rows_a],
            b.features.points[rows_b],
            weights,
            diagonal=float(np.hypot(*b.features.size)),
        )
        rows_a, rows_b = rows_a[found.inliers], rows_b[found.inliers]
        weights = weights[found.inliers] * found.closeness
    if not _enough(rows_a, rows_b):
        rows_a, rows_b, weights = rows_a[:0], rows_b[:0], weights[:0]
    score = unverified + math.fsum(weights)
    matches = Matches.of(a.features, b.features, rows_a, rows_b, weights, score=score)
    return matches.swapped() if exchanged else matches


def _enough(rows_a: IntArray, rows_b: IntArray) -> bool:
    """Whether the matches are of enough keypoints of either detection: several may match one."""
    return all(len(set(rows.tolist())) >= FEWEST_INLIERS for rows in (rows_a, rows_b))
