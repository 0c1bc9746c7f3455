from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from services.common.rpc import checks
from services.scorer.local.score_responses import PAIR_BYTES, local_score_responses
from spotted.client.local_features.messages import local_scores
from spotted.scoring.local_pairs import LocalPairs
from spotted.v1 import survey_pb2
from tests.spotted.surveys import matched_gallery


def scored(local: LocalPairs | None) -> Any:  # noqa: ANN401 - stands for a ScoredSurvey
    snapshot = SimpleNamespace(survey=survey_pb2.Survey(revision=9))
    return cast("Any", SimpleNamespace(gallery=SimpleNamespace(local=local), snapshot=snapshot))


@pytest.mark.parametrize("local", [None, LocalPairs.none()])
def test_a_survey_without_matched_pairs_sends_its_revision(local: LocalPairs | None) -> None:
    answers = list(local_score_responses(scored(local)))
    assert len(answers) == 1
    found = local_scores(answers)
    assert (len(found.pairs), found.revision) == (0, 9)


def test_all_pairs_come_once_in_messages_of_a_mebibyte() -> None:
    local = matched_gallery(700, 0, 0.5).local
    assert local is not None
    answers = list(local_score_responses(scored(local)))
    assert len(answers) == -(-len(local) // (checks.PAGE_BYTES // PAIR_BYTES)) > 1
    assert max(one.ByteSize() for one in answers) < 1.01 * checks.PAGE_BYTES
    found = local_scores(answers).pairs
    for one, other in zip(
        (found.numbers, found.scores, found.marks), (local.numbers, local.scores, local.marks), strict=True
    ):
        np.testing.assert_array_equal(one, other)
