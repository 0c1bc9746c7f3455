from __future__ import annotations

import numpy as np

from spotted.client.survey_messages import (
    candidates,
    detection_page,
    embedding_spec,
    filter_message,
    pair_explanation,
    score_spec,
    spec_message,
    survey_info,
)
from spotted.client.values import CandidateFilter, CandidateRule, EmbeddingSpec
from spotted.scoring.fusion import Fusion
from spotted.v1 import scorer_pb2, survey_pb2

SPEC = EmbeddingSpec("b", "p", 8, "h")


def test_a_spec_comes_back_as_it_was() -> None:
    assert embedding_spec(spec_message(SPEC)) == SPEC


def test_what_a_message_leaves_out_is_none() -> None:
    assert survey_info(survey_pb2.Survey()).embedding is None
    spec = score_spec(survey_pb2.ScoreSpec())
    assert (spec.embedding, spec.fusion) == (None, Fusion.PRODUCT)
    explained = pair_explanation(scorer_pb2.ExplainPairResponse())
    assert (explained.feasibility, explained.distance_m, explained.gap_s) == (None, None, None)


def test_a_filter_sets_only_the_rules_it_has() -> None:
    assert filter_message(None) is None
    assert filter_message(CandidateFilter()) == scorer_pb2.CandidateFilter()
    message = filter_message(CandidateFilter(captured_from_s=1.5, exclude_individual_ids=("a",)))
    assert message is not None
    assert (message.captured_from.seconds, message.captured_from.nanos) == (1, 500_000_000)
    assert not message.HasField("captured_before")
    assert list(message.exclude_individual_ids) == ["a"]


def test_a_rule_of_a_later_contract_is_left_out() -> None:
    message = scorer_pb2.CandidateList(detection_id="d", compared=3)
    message.excluded.add(rule=scorer_pb2.CANDIDATE_RULE_SIDE, detections=2)
    message.excluded.add(rule=99, detections=4)
    message.candidates.add(detection_id="e", feasibility=0.0)
    found = candidates(message)
    assert found.excluded == {CandidateRule.SIDE: 2}
    assert found.candidates[0].feasibility == 0.0


def test_an_empty_page_has_no_vectors() -> None:
    page = detection_page(scorer_pb2.ListDetectionsResponse(revision=4))
    assert (page.detections, page.embeddings.shape, page.embeddings.dtype, page.revision) == (
        (),
        (0, 0),
        np.dtype(np.float16),
        4,
    )
