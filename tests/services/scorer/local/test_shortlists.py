from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.common.store.store import Store
from services.common.survey.state import Snapshot
from services.scorer.local import shortlists
from services.scorer.local.shortlists import BLOCK_PAIRS, draw_normalisers, match_pairs, pairs_to_match
from services.scorer.local_scores.matched_surveys import MatchedSurveys
from services.scorer.local_scores.methods import MatchingMethods
from services.scorer.surveys import Surveys
from spotted.local_features.features import LocalFeatures
from spotted.ranking.ranker import Ranker
from spotted.scoring.local_pairs import LocalPairs
from spotted.v1 import survey_pb2
from tests.network_methods import write_method
from tests.services.scorer.local.matched import SPEC, add_features
from tests.services.scorer.planted import Scorer

pytest.importorskip("cv2", reason="the extra `local` is not installed")
COUNT, FEATURED = 14, 10


@pytest.fixture
def snapshot(scorer: Scorer, surveys: Surveys, survey_id: str) -> Snapshot:
    """A survey of which ten detections have local features."""
    ids = [d.detection_id for d in scorer.plant(survey_id, COUNT)[0]]
    add_features(scorer, survey_id, {i: n for n, i in enumerate(ids[:FEATURED])})
    return surveys.snapshot(survey_id)


def test_pairs_are_those_of_each_list_once_and_without_known_ones(snapshot: Snapshot) -> None:
    ranker, k = Ranker(snapshot.gallery), 3
    first, second = pairs_to_match(snapshot, ranker, k, None)
    featured = set(range(FEATURED))
    expected = set()
    for ranked in ranker.top_k(np.arange(FEATURED), COUNT):
        best = [row for row in ranked.rows.tolist() if row in featured][:k]
        expected |= {(min(row, ranked.query), max(row, ranked.query)) for row in best}
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == sorted(expected)
    zeros = np.zeros(2, np.float32), np.zeros(2, np.uint16)
    known = LocalPairs.of(second[:2], first[:2], *zeros)
    remaining = pairs_to_match(snapshot, ranker, k, known)
    np.testing.assert_array_equal(remaining, (first[2:], second[2:]))


def test_scores_do_not_depend_on_blocks_threads_or_other_pairs(
    snapshot: Snapshot, store: Store, surveys: Surveys
) -> None:
    matched = MatchedSurveys(store, surveys.snapshot)
    normalisers = draw_normalisers(snapshot, matched)
    assert normalisers.digest == draw_normalisers(snapshot, matched).digest
    matcher = matched.matcher(snapshot, normalisers)
    pairs = np.triu_indices(FEATURED, 1)
    done: list[int] = []
    (block,) = match_pairs(snapshot, matched, matcher, pairs, threads=2, on_progress=done.append)
    assert sum(done) == len(block.first) == 45 < BLOCK_PAIRS["lnbnn"]
    assert (block.marks > 0).sum() > 5
    assert (block.scores[block.marks > 0] > 0).all()
    for i in (0, 3, 20, 44):
        one = pairs[0][i : i + 1], pairs[1][i : i + 1]
        (alone,) = match_pairs(snapshot, matched, matcher, one)
        assert (alone.scores[0], alone.marks[0]) == (block.scores[i], block.marks[i])


def test_small_parts_and_blocks_give_the_same_scores(
    snapshot: Snapshot, store: Store, surveys: Surveys, monkeypatch: pytest.MonkeyPatch
) -> None:
    matched = MatchedSurveys(store, surveys.snapshot)
    matcher = matched.matcher(snapshot, draw_normalisers(snapshot, matched))
    pairs = np.triu_indices(FEATURED, 1)
    (whole,) = match_pairs(snapshot, matched, matcher, pairs)
    # as for a network that matches
    monkeypatch.setattr(shortlists, "TOGETHER", {"lnbnn": 4})
    monkeypatch.setattr(shortlists, "BLOCK_PAIRS", {"lnbnn": 10})
    done: list[int] = []
    blocks = list(match_pairs(snapshot, matched, matcher, pairs, threads=2, on_progress=done.append))
    assert max(done) == 4
    assert {len(block.first) for block in blocks[:-1]} <= set(range(10, 14))
    for name in ("first", "second", "scores", "marks"):
        np.testing.assert_array_equal(
            np.concatenate([getattr(block, name) for block in blocks]), getattr(whole, name)
        )


def test_in_place_of_normalisers_a_network_is_stored(
    snapshot: Snapshot, store: Store, surveys: Surveys, tmp_path: Path
) -> None:
    spec = write_method(tmp_path, SPEC.method + "-2").spec
    renamed = replace(snapshot, survey=survey_pb2.Survey())
    renamed.survey.CopyFrom(snapshot.survey)
    renamed.survey.local_features.method = spec.name
    matched = MatchedSurveys(store, surveys.snapshot, MatchingMethods(tmp_path))
    normalisers = draw_normalisers(renamed, matched)
    assert normalisers.network == spec.matcher_sha256
    assert matched.matcher(renamed, normalisers).spec == spec


def test_a_pair_whose_features_are_lost_is_left_out(
    snapshot: Snapshot, store: Store, surveys: Surveys
) -> None:
    class Lossy(MatchedSurveys):
        def features(self, snapshot: Snapshot, detection_id: str) -> LocalFeatures | None:
            lost = detection_id == snapshot.detections[2].detection_id
            return None if lost else super().features(snapshot, detection_id)

    lossy = Lossy(store, surveys.snapshot)
    matcher = lossy.matcher(snapshot, draw_normalisers(snapshot, lossy))
    pairs = np.array([0, 0, 2]), np.array([1, 2, 3])
    (block,) = match_pairs(snapshot, lossy, matcher, pairs)
    assert (block.first.tolist(), block.second.tolist()) == ([0], [1])
    (nothing,) = match_pairs(snapshot, lossy, matcher, (np.array([2]), np.array([3])))
    assert not len(nothing.first)
