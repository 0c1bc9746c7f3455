"""Which pairs of a survey are matched, and their matching, block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from services.common.survey.state import Snapshot
from services.scorer.local_scores.matched_surveys import MatchedSurveys, owner, rows_with_features
from services.scorer.local_scores.score_blocks import MOST_MARKS
from spotted.arrays import BoolArray, Float32Array, IntArray
from spotted.local_features.matching.normalisers import Normalisers
from spotted.local_features.methods import Matcher
from spotted.ranking.ranker import Ranker
from spotted.scoring.local_pairs import CountArray, LocalPairs
from spotted.scoring.parallel import map_ahead

if TYPE_CHECKING:
    from spotted.local_features.matching.by_name import PairMatcher
    from spotted.local_features.matching.matchable import Matchable

# pairs of one block: half a minute of one core, a minute by a network
BLOCK_PAIRS: Mapping[Matcher, int] = {"lnbnn": 2_000, "lightglue": 200}
# candidates of a detection that are matched in one go, after which progress is reported
TOGETHER: Mapping[Matcher, int] = {"lnbnn": 1_000, "lightglue": 10}
# candidates of each detection that are matched in a large survey, and the shortlists' whole length in a small
# one: five minutes of one core by votes
CANDIDATES, SHORTLISTED = 50, 160_000
# detections whose features are kept ready: about 70 KiB each
READY = 4_000
# detections that normalisers are drawn from, the same ones every time
SAMPLED, SEED = 2_000, 0


@dataclass(frozen=True, slots=True)
class MatchedBlock:
    """The scores of some pairs."""

    first: IntArray
    second: IntArray
    scores: Float32Array
    marks: CountArray


def default_candidates(detections: int, matcher: Matcher) -> int:
    """The number of candidates that each detection is matched with if the caller does not say.

    Votes are quick enough for every pair of up to 400 detections; a network takes a hundred times as long.

    >>> [default_candidates(n, "lnbnn") for n in (300, 1_000, 100_000)], default_candidates(300, "lightglue")
    ([533, 160, 50], 50)
    """
    return max(CANDIDATES, SHORTLISTED // max(detections, 1)) if matcher == "lnbnn" else CANDIDATES


def pairs_to_match(
    snapshot: Snapshot, ranker: Ranker, k: int, known: LocalPairs | None, *, threads: int = 1
) -> tuple[IntArray, IntArray]:
    """The pairs of each detection with its k best candidates by PRODUCT, ordered; without known ones.

    Only detections with local features count.
    """
    ready = rows_with_features(snapshot)

    def allowed(rows: IntArray, columns: IntArray) -> BoolArray:
        return np.asarray(ready[rows] & ready[columns])

    numbers = [np.empty(0, np.int64)]
    for ranked in ranker.top_k(np.flatnonzero(ready), k, allowed=allowed, threads=threads):
        low, high = np.minimum(ranked.rows, ranked.query), np.maximum(ranked.rows, ranked.query)
        numbers.append(low << 32 | high)
    pairs = np.unique(np.concatenate(numbers))
    first, second = pairs >> 32, pairs & 0xFFFFFFFF
    if known is not None:
        new = known.marks_of(first, second) < 0
        first, second = first[new], second[new]
    return first, second


def draw_normalisers(snapshot: Snapshot, surveys: MatchedSurveys) -> Normalisers:
    """Normalisers from the features of a sample of a survey's detections; the network, if one matches."""
    method = surveys.method(snapshot)
    if method.matcher_sha256:
        return Normalisers.of_network(method.matcher_sha256)
    rows, rng = np.flatnonzero(rows_with_features(snapshot)), np.random.default_rng(SEED)
    chosen = np.sort(rng.choice(rows, min(SAMPLED, len(rows)), replace=False))
    found = [
        (surveys.features(snapshot, snapshot.detections[row].detection_id), row) for row in chosen.tolist()
    ]
    features = [(one, row) for one, row in found if one is not None]
    return Normalisers.sample(
        [one for one, _ in features], [owner(snapshot, row) for _, row in features], rng=rng
    )


def match_pairs(
    snapshot: Snapshot,
    surveys: MatchedSurveys,
    matcher: PairMatcher,
    pairs: tuple[IntArray, IntArray],
    *,
    threads: int = 1,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Iterator[MatchedBlock]:
    """The scores of pairs, block by block; pairs whose features the store lost are left out.

    pairs: ordered by their first row. on_progress: called with the number of pairs done since the last call.
    """

    @lru_cache(READY)
    def ready(row: int) -> Matchable | None:
        features = surveys.features(snapshot, snapshot.detections[row].detection_id)
        return None if features is None else matcher.prepare(features, owner(snapshot, row))

    def of_query(part: tuple[int, IntArray]) -> MatchedBlock:
        query, others = ready(part[0]), [(row, ready(row)) for row in part[1].tolist()]
        found = [(row, one) for row, one in others if query is not None and one is not None]
        matches = matcher.match_shortlist(query, [one for _, one in found]) if query and found else []
        return MatchedBlock(
            np.full(len(matches), part[0]),
            np.array([row for row, _ in found], np.int64)[: len(matches)],
            np.array([one.score for one in matches], np.float32),
            np.array([min(len(one), MOST_MARKS) for one in matches], np.uint16),
        )

    first, second = pairs
    parts = _parts(first, second, TOGETHER[matcher.spec.matcher])
    held: list[MatchedBlock] = []
    for (_, others), block in zip(parts, map_ahead(of_query, parts, threads), strict=True):
        held.append(block)
        on_progress(len(others))
        if sum(len(one.first) for one in held) >= BLOCK_PAIRS[matcher.spec.matcher]:
            yield _joined(held)
            held = []
    if held:
        yield _joined(held)


def _parts(first: IntArray, second: IntArray, most: int) -> list[tuple[int, IntArray]]:
    """Each query with its candidates, at most `most` at a time; pairs are ordered by the query."""
    bounds = [*np.flatnonzero(np.diff(first, prepend=-1)).tolist(), len(first)]
    return [
        (int(first[start]), second[at : min(at + most, end)])
        for start, end in pairwise(bounds)
        for at in range(start, end, most)
    ]


def _joined(blocks: list[MatchedBlock]) -> MatchedBlock:
    columns = zip(*((one.first, one.second, one.scores, one.marks) for one in blocks), strict=True)
    return MatchedBlock(*(np.concatenate(column) for column in columns))
