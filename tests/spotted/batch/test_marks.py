from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spotted.batch.features import open_features
from spotted.batch.marks import (
    PLAN,
    MarkJob,
    count_of,
    marked_by_default,
    match_block,
    matched_pairs,
    plan_marks,
    read_matches,
    read_plan,
    unmatched,
)
from spotted.batch.snapshot import MANIFEST, SNAPSHOT, open_snapshot
from spotted.errors import PreconditionError
from spotted.local_features.matching.by_name import open_matcher
from spotted.local_features.methods import method_by_name
from spotted.matching.shortlists import default_candidates, draw_normalisers, match_pairs, pairs_to_match
from spotted.ranking.ranker import Ranker
from spotted.scoring.local_pairs import LocalPairs
from tests.spotted.batch.filed import FEATURED, file_survey

pytest.importorskip("cv2", reason="the extra `local` is not installed")


@pytest.fixture
def job(tmp_path: Path) -> MarkJob:
    return file_survey(tmp_path)


def test_blocks_hold_the_scores_of_one_matching_bit_for_bit(job: MarkJob) -> None:
    with pytest.raises(PreconditionError, match=f"{PLAN} is missing or damaged"):
        match_block(job, 0)
    assert read_plan(job) is None
    plan_marks(job)
    plan = read_plan(job)
    assert plan is not None
    assert count_of(job, plan) > 2
    assert unmatched(job) == list(range(count_of(job, plan)))
    for number in reversed(unmatched(job)):
        match_block(job, number)
    snapshot, method = open_snapshot(job.place.local(SNAPSHOT)), method_by_name("hotspotter")
    rows = open_features(job.place).rows(snapshot.owners())
    pairs = pairs_to_match(rows.ready, Ranker(snapshot.gallery), job.candidates)
    matcher = open_matcher(method, normalisers=draw_normalisers(method, rows))
    (whole,) = match_pairs(rows, matcher, pairs)
    expected, found = LocalPairs.of(whole.first, whole.second, whole.scores, whole.marks), matched_pairs(job)
    for column in ("numbers", "scores", "marks"):
        np.testing.assert_array_equal(getattr(found, column), getattr(expected, column))
    assert (found.marks > 0).sum() > 3


def test_by_default_as_many_candidates_are_matched_as_by_the_scorer(job: MarkJob) -> None:
    assert marked_by_default(job.place) == default_candidates(FEATURED, "lnbnn") == 10_000


def test_only_what_is_missing_is_matched_again(job: MarkJob) -> None:
    plan_marks(job)
    for number in unmatched(job):
        match_block(job, number)
    path = Path(job.url) / job.name(1)
    path.write_bytes(path.read_bytes()[:-5])
    assert unmatched(job) == [1]
    assert read_matches(job, 1) is None
    with pytest.raises(PreconditionError, match=r"000001\.npz is not finished"):
        matched_pairs(job)


def test_other_options_and_a_changed_snapshot_are_refused(job: MarkJob) -> None:
    plan_marks(job)
    with pytest.raises(PreconditionError, match="--fresh"):
        read_plan(replace(job, candidates=7))
    manifest = Path(job.url) / SNAPSHOT / MANIFEST
    manifest.write_text(manifest.read_text() + " ")
    with pytest.raises(PreconditionError, match="changed during the batch"):
        plan_marks(replace(job, block_pairs=21))
