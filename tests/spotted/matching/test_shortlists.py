from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from spotted.local_features.features import LocalFeatures
from spotted.local_features.matching.by_name import PairMatcher, open_matcher
from spotted.local_features.methods import method_by_name
from spotted.matching import shortlists
from spotted.matching.shortlists import (
    BLOCK_PAIRS,
    FeatureRows,
    draw_normalisers,
    match_pairs,
    owner_name,
    pairs_to_match,
)
from spotted.ranking.gallery import Gallery
from spotted.ranking.ranker import Ranker
from spotted.scoring.local_pairs import LocalPairs
from spotted.scoring.similarity import unit_rows
from spotted.survey import Survey
from tests.services.scorer.local.features import photograph
from tests.services.scorer.planted import CAMERAS, END_S, START_S, detections, vectors

pytest.importorskip("cv2", reason="the extra `local` is not installed")
COUNT, FEATURED, ANIMALS = 14, 10, 4
HOTSPOTTER = method_by_name("hotspotter")


@pytest.fixture(scope="module")
def gallery() -> Gallery:
    survey = Survey("ridge", START_S, END_S, cameras={c.camera_id: c for c in CAMERAS})
    return Gallery.of(survey, detections(COUNT), unit_rows(vectors(COUNT)))


@pytest.fixture(scope="module")
def rows() -> FeatureRows:
    """A survey of which ten detections have local features, of four animals."""
    shown = [photograph(row % ANIMALS, row // ANIMALS) for row in range(FEATURED)]
    return featured(lambda row: shown[row])


def featured(features: Callable[[int], LocalFeatures | None]) -> FeatureRows:
    return FeatureRows(np.arange(COUNT) < FEATURED, features, lambda row: owner_name(f"d{row}", ""))


def matcher_of(rows: FeatureRows) -> PairMatcher:
    return open_matcher(HOTSPOTTER, normalisers=draw_normalisers(HOTSPOTTER, rows))


def test_pairs_are_those_of_each_list_once_and_without_known_ones(
    gallery: Gallery, rows: FeatureRows
) -> None:
    ranker, k = Ranker(gallery), 3
    first, second = pairs_to_match(rows.ready, ranker, k)
    expected = set()
    for ranked in ranker.top_k(np.arange(FEATURED), COUNT):
        best = [row for row in ranked.rows.tolist() if row < FEATURED][:k]
        expected |= {(min(row, ranked.query), max(row, ranked.query)) for row in best}
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == sorted(expected)
    zeros = np.zeros(2, np.float32), np.zeros(2, np.uint16)
    known = LocalPairs.of(second[:2], first[:2], *zeros)
    remaining = pairs_to_match(rows.ready, ranker, k, known)
    np.testing.assert_array_equal(remaining, (first[2:], second[2:]))


def test_scores_do_not_depend_on_blocks_threads_or_other_pairs(rows: FeatureRows) -> None:
    assert draw_normalisers(HOTSPOTTER, rows).digest == draw_normalisers(HOTSPOTTER, rows).digest
    matcher, pairs = matcher_of(rows), np.triu_indices(FEATURED, 1)
    done: list[int] = []
    (block,) = match_pairs(rows, matcher, pairs, threads=2, on_progress=done.append)
    assert sum(done) == len(block.first) == 45 < BLOCK_PAIRS["lnbnn"]
    assert (block.marks > 0).sum() > 5
    assert (block.scores[block.marks > 0] > 0).all()
    for i in (0, 3, 20, 44):
        one = pairs[0][i : i + 1], pairs[1][i : i + 1]
        (alone,) = match_pairs(rows, matcher, one)
        assert (alone.scores[0], alone.marks[0]) == (block.scores[i], block.marks[i])


def test_small_parts_and_blocks_give_the_same_scores(
    rows: FeatureRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    matcher, pairs = matcher_of(rows), np.triu_indices(FEATURED, 1)
    (whole,) = match_pairs(rows, matcher, pairs)
    # as for a network that matches
    monkeypatch.setattr(shortlists, "TOGETHER", {"lnbnn": 4})
    monkeypatch.setattr(shortlists, "BLOCK_PAIRS", {"lnbnn": 10})
    done: list[int] = []
    blocks = list(match_pairs(rows, matcher, pairs, threads=2, on_progress=done.append))
    assert max(done) == 4
    assert {len(block.first) for block in blocks[:-1]} <= set(range(10, 14))
    joined = shortlists.join_blocks(blocks)
    for name in ("first", "second", "scores", "marks"):
        np.testing.assert_array_equal(getattr(joined, name), getattr(whole, name))


def test_in_place_of_normalisers_a_network_is_named(rows: FeatureRows) -> None:
    network = replace(HOTSPOTTER, matcher="lightglue", matcher_sha256="f" * 64)
    assert draw_normalisers(network, rows).network == "f" * 64


def test_a_pair_whose_features_are_lost_is_left_out(rows: FeatureRows) -> None:
    lossy = featured(lambda row: None if row == 2 else rows.features(row))
    matcher = matcher_of(lossy)
    (block,) = match_pairs(lossy, matcher, (np.array([0, 0, 2]), np.array([1, 2, 3])))
    assert (block.first.tolist(), block.second.tolist()) == ([0], [1])
    (nothing,) = match_pairs(lossy, matcher, (np.array([2]), np.array([3])))
    assert not len(nothing.first)
