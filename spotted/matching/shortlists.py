"""Which pairs of a survey are matched, and their matching, block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from spotted.arrays import BoolArray, Float32Array, IntArray
from spotted.local_features.features import LocalFeatures
from spotted.local_features.matching.normalisers import Normalisers
from spotted.local_features.methods import Matcher, MethodSpec
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
# as the number of marks of a pair is stored in 16 bits
MOST_MARKS = 65_535


@dataclass(frozen=True, slots=True)
class FeatureRows:
    """The local features of a survey's detections, by row.

    >>> rows = FeatureRows(np.array([True, False]), lambda row: None, lambda row: f"d:{row}")
    >>> np.flatnonzero(rows.ready).tolist()
    [0]
    """

    ready: BoolArray
    """(n,) whether each row has local features."""
    features: Callable[[int], LocalFeatures | None]
    """Returns those of a row; None if they are lost."""
    owner: Callable[[int], str]
    """Returns the `owner_name` of a row."""


@dataclass(frozen=True, slots=True)
class MatchedBlock:
    """The scores of some pairs.

    >>> marks = np.array([4], np.uint16)
    >>> MatchedBlock(np.array([0]), np.array([3]), np.float32([1.5]), marks).second.tolist()
    [3]
    """

    first: IntArray
    """(m,) lower rows."""
    second: IntArray
    """(m,) higher rows."""
    scores: Float32Array
    """(m,)."""
    marks: CountArray
    """(m,) number of matched marks."""


def owner_name(detection_id: str, encounter_id: str) -> str:
    """A name that detections share which may show one animal at one moment: they normalise no other.

    >>> owner_name("d1", ""), owner_name("d1", "e7")
    ('d:d1', 'e:e7')
    """
    return f"e:{encounter_id}" if encounter_id else f"d:{detection_id}"


def default_candidates(detections: int, matcher: Matcher) -> int:
    """The number of candidates that each detection is matched with if the caller does not say.

    Votes are quick enough for every pair of up to 400 detections; a network takes a hundred times as long.

    >>> [default_candidates(n, "lnbnn") for n in (300, 1_000, 100_000)], default_candidates(300, "lightglue")
    ([533, 160, 50], 50)
    """
    return max(CANDIDATES, SHORTLISTED // max(detections, 1)) if matcher == "lnbnn" else CANDIDATES


def pairs_to_match(
    ready: BoolArray, ranker: Ranker, k: int, known: LocalPairs | None = None, *, threads: int = 1
) -> tuple[IntArray, IntArray]:
    """The pairs of each detection with its k best candidates by PRODUCT, ordered; without known ones.

    ready: (n,) the rows with local features; only they count.
    """

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


def draw_normalisers(method: MethodSpec, rows: FeatureRows) -> Normalisers:
    """Normalisers from the features of a sample of a survey's detections; the network, if one matches."""
    if method.matcher_sha256:
        return Normalisers.of_network(method.matcher_sha256)
    featured, rng = np.flatnonzero(rows.ready), np.random.default_rng(SEED)
    chosen = np.sort(rng.choice(featured, min(SAMPLED, len(featured)), replace=False))
    found = [(rows.features(row), row) for row in chosen.tolist()]
    features = [(one, row) for one, row in found if one is not None]
    return Normalisers.sample([one for one, _ in features], [rows.owner(row) for _, row in features], rng=rng)


def match_pairs(
    rows: FeatureRows,
    matcher: PairMatcher,
    pairs: tuple[IntArray, IntArray],
    *,
    threads: int = 1,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Iterator[MatchedBlock]:
    """The scores of pairs, block by block; pairs whose features are lost are left out.

    pairs: ordered by their first row. on_progress: called with the number of pairs done since the last call.
    """

    @lru_cache(READY)
    def ready(row: int) -> Matchable | None:
        features = rows.features(row)
        return None if features is None else matcher.prepare(features, rows.owner(row))

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
            yield join_blocks(held)
            held = []
    if held:
        yield join_blocks(held)


def join_blocks(blocks: list[MatchedBlock]) -> MatchedBlock:
    """Blocks, at least one, as one."""
    columns = zip(*((one.first, one.second, one.scores, one.marks) for one in blocks), strict=True)
    return MatchedBlock(*(np.concatenate(column) for column in columns))


def _parts(first: IntArray, second: IntArray, most: int) -> list[tuple[int, IntArray]]:
    """Each query with its candidates, at most `most` at a time; pairs are ordered by the query."""
    bounds = [*np.flatnonzero(np.diff(first, prepend=-1)).tolist(), len(first)]
    return [
        (int(first[start]), second[at : min(at + most, end)])
        for start, end in pairwise(bounds)
        for at in range(start, end, most)
    ]
