from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from spotted.local_features.extraction.sift import SiftExtractor
from spotted.local_features.features import HEADER, LocalFeatures, no_features
from spotted.local_features.matching.lnbnn import Lnbnn, near_pairs, vote
from spotted.local_features.matching.matchable import Matchable
from spotted.local_features.matching.normalisers import Normalisers
from spotted.local_features.methods import HOTSPOTTER
from tests.spotted.marked_coats import LENGTH, coat, coat_features, drawn_features, tilted, turned

LARGEST = np.sqrt(2.0) * LENGTH


@pytest.fixture(scope="module")
def views() -> list[LocalFeatures]:
    """Three coats, then the first from an angle and turned."""
    seen = [tilted(coat(0))[0], turned(coat(0), 20.0, share=1.2)[0]]
    return [*(coat_features(seed) for seed in range(3)), *map(SiftExtractor().extract, seen)]


@pytest.fixture(scope="module")
def lnbnn(views: list[LocalFeatures]) -> Lnbnn:
    owners = [f"e{i}" for i in range(len(views))]
    return Lnbnn(HOTSPOTTER, Normalisers.sample(views, owners, rng=np.random.default_rng(0), most=400))


@pytest.fixture(scope="module")
def ready(lnbnn: Lnbnn, views: list[LocalFeatures]) -> list[Matchable]:
    return [lnbnn.prepare(view, f"e{i}") for i, view in enumerate(views)]


def plain_votes(query: int, features: list[LocalFeatures]) -> dict[tuple[int, int, int], float]:
    """LNBNN as published: the votes of each keypoint of the query for its four nearest in all others."""
    votes = {}
    for row, descriptor in enumerate(features[query].descriptors.astype(int)):
        found = [
            (float(np.sqrt(((descriptor - other.astype(int)) ** 2).sum())), i, column)
            for i, one in enumerate(features)
            if i != query
            for column, other in enumerate(one.descriptors)
        ]
        nearest = sorted(found)[:5]
        for distance, i, column in nearest[:4]:
            # each keypoint of the query votes for the nearest of a photograph
            if not any(i == j and (d, c) < (distance, column) for d, j, c in nearest[:4]):
                votes[row, i, column] = (nearest[4][0] - distance) / LARGEST
    return {key: weight for key, weight in votes.items() if weight > 0.0}


def test_votes_of_the_whole_survey_are_those_of_plain_lnbnn() -> None:
    features = [drawn_features(9, seed, dimension=64) for seed in range(5)]
    owners = [str(i) for i in range(5)]
    matcher = Lnbnn(HOTSPOTTER, Normalisers.sample(features, owners, rng=np.random.default_rng(0)))
    ready = [matcher.prepare(one, owner) for one, owner in zip(features, owners, strict=True)]
    found: dict[tuple[int, int, int, int], float] = {}
    for i, j in combinations(range(5), 2):
        rows, columns, squares = near_pairs(ready[i], [ready[j]])
        votes = vote(rows, columns, squares, ready[i].limits, ready[j].limits, LARGEST)
        found |= {(i, j, int(a), int(b)): float(weight) for a, b, weight in zip(*votes, strict=True)}
    expected: dict[tuple[int, int, int, int], float] = {}
    for query in range(5):
        for (row, i, column), weight in plain_votes(query, features).items():
            key = (query, i, row, column) if query < i else (i, query, column, row)
            expected[key] = expected.get(key, 0.0) + weight / 2.0
    assert found.keys() == expected.keys()
    assert all(abs(found[key] - expected[key]) < 1e-9 for key in found)


def test_the_same_coat_from_elsewhere_matches_at_the_right_places(
    lnbnn: Lnbnn, ready: list[Matchable]
) -> None:
    found = lnbnn.match_shortlist(ready[0], [ready[3], ready[4]])
    for matches, (_, matrix) in zip(found, [tilted(coat(0)), turned(coat(0), 20.0, share=1.2)], strict=True):
        assert len(matches) > 20
        share = 300 / 360
        seen = np.column_stack([matches.points_a / share, np.ones(len(matches))]) @ matrix.T
        apart = np.hypot(*(seen[:, :2] / seen[:, 2:] * share - matches.points_b).T)
        assert np.median(apart) < 3.0


def test_other_coats_do_not_match(lnbnn: Lnbnn, ready: list[Matchable]) -> None:
    same = lnbnn.score_shortlist(ready[0], ready[3:])
    others = np.concatenate(
        [lnbnn.score_shortlist(ready[i], [ready[j] for j in (0, 1, 2) if j != i]) for i in (0, 1, 2)]
    )
    assert others.max() < 0.1 * same.min()


def test_scores_do_not_depend_on_the_order_of_the_two(lnbnn: Lnbnn, ready: list[Matchable]) -> None:
    for a, b in combinations(ready, 2):
        one, other = lnbnn.match_pair(a, b), lnbnn.match_pair(b, a)
        assert one.score == other.score
        assert np.array_equal(one.rows_a, other.rows_b)
        assert np.array_equal(one.weights, other.weights)


def test_another_photograph_moves_no_other_score(lnbnn: Lnbnn, ready: list[Matchable]) -> None:
    expected = lnbnn.score_shortlist(ready[0], ready[1:])
    new = lnbnn.prepare(coat_features(9), "new")
    assert np.array_equal(lnbnn.score_shortlist(ready[0], [new, *ready[1:], new])[1:-1], expected)
    assert np.array_equal(lnbnn.score_shortlist(ready[0], ready[:0:-1])[::-1], expected)
    assert [lnbnn.match_pair(ready[0], one).score for one in ready[1:]] == expected.tolist()


def test_scores_are_those_of_stored_features(lnbnn: Lnbnn, ready: list[Matchable]) -> None:
    sizes, stored = [], []
    for i, one in enumerate(ready):
        content = one.features.to_bytes()
        sizes.append((len(content) - HEADER.size) / len(one.features))
        stored.append(lnbnn.prepare(LocalFeatures.from_bytes(content), f"e{i}"))
    assert sizes == [72.0] * 5
    expected = lnbnn.score_shortlist(ready[0], ready[1:])
    assert np.array_equal(lnbnn.score_shortlist(stored[0], stored[1:]), expected)
    assert expected.max() > 0.0


def test_scores_are_equal_with_any_number_of_threads(lnbnn: Lnbnn, views: list[LocalFeatures]) -> None:
    def scores() -> list[float]:
        ready = [lnbnn.prepare(view, f"e{i}") for i, view in enumerate(views)]
        return list(lnbnn.score_shortlist(ready[0], ready[1:]))

    with threadpool_limits(1):
        expected = scores()
    with threadpool_limits(3):
        assert scores() == expected


def test_a_chip_without_keypoints_scores_nothing(lnbnn: Lnbnn, ready: list[Matchable]) -> None:
    empty = lnbnn.prepare(no_features(128, (700, 467)), "e9")
    assert lnbnn.score_shortlist(empty, ready).tolist() == [0.0] * 5
    assert lnbnn.score_shortlist(ready[0], [empty, empty]).tolist() == [0.0, 0.0]
    assert lnbnn.match_shortlist(ready[0], []) == []


@pytest.mark.parametrize("count", [1, 3])
def test_three_keypoints_are_too_few_to_be_verified(count: int, lnbnn: Lnbnn, ready: list[Matchable]) -> None:
    few = lnbnn.prepare(coat_features(0).strongest(count), "e0")
    assert [len(matches) for matches in lnbnn.match_shortlist(few, ready)] == [0] * 5


def test_equal_descriptors_everywhere_score_nothing() -> None:
    features = coat_features(1)
    flat = LocalFeatures(features.points, np.full_like(features.descriptors, 40), features.size)
    owners = ["a", "b", "c"]
    same = Lnbnn(HOTSPOTTER, Normalisers.sample([flat] * 3, owners, rng=np.random.default_rng(0)))
    a, b, _ = (same.prepare(flat, owner) for owner in owners)
    assert same.match_pair(a, b).score == 0.0


def test_without_normalisers_nothing_matches() -> None:
    nothing = Lnbnn(HOTSPOTTER, Normalisers.sample([], [], rng=np.random.default_rng(0)))
    one = nothing.prepare(coat_features(0), "e0")
    assert nothing.match_pair(one, one).score == 0.0
