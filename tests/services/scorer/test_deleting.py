from __future__ import annotations

import pytest

from spotted.errors import InvalidInputError, NotFoundError
from spotted.v1 import scorer_pb2 as pb
from spotted.v1 import survey_pb2
from tests.services.scorer.planted import Scorer, ask


def delete(scorer: Scorer, survey_id: str, *detection_ids: str) -> pb.DeleteDetectionsResponse:
    request = pb.DeleteDetectionsRequest(survey_id=survey_id, detection_ids=detection_ids)
    return ask(scorer.stub.DeleteDetections, request)


def fused(scorer: Scorer, survey_id: str, first: str, second: str) -> bytes:
    pair = survey_pb2.Pair(first_detection_id=first, second_detection_id=second)
    return scorer.stub.ScorePairs(pb.ScorePairsRequest(survey_id=survey_id, pairs=[pair])).fused.content


def test_what_is_removed_and_what_was_not_there_is_counted(scorer: Scorer, survey_id: str) -> None:
    scorer.plant(survey_id, 10)
    answer = delete(scorer, survey_id, "d0003", "ghost", "d0007")
    assert (answer.deleted, answer.missing, answer.survey.detection_count) == (2, 1, 8)
    again = delete(scorer, survey_id, "d0003", "ghost", "d0007")
    assert (again.deleted, again.missing, again.survey.detection_count) == (0, 3, 8)
    # nothing changed, so scores are of the same revision
    assert again.survey.revision == answer.survey.revision


def test_the_survey_answered_is_the_survey_read(scorer: Scorer, survey_id: str) -> None:
    scorer.plant(survey_id, 4)
    answer = delete(scorer, survey_id, "d0000")
    assert scorer.stub.GetSurvey(pb.GetSurveyRequest(survey_id=survey_id)).survey == answer.survey


def test_no_other_score_changes(scorer: Scorer, survey_id: str) -> None:
    scorer.plant(survey_id, 10)
    before = fused(scorer, survey_id, "d0001", "d0002")
    delete(scorer, survey_id, *(f"d{n:04}" for n in range(3, 10)))
    assert fused(scorer, survey_id, "d0001", "d0002") == before


def test_a_removed_detection_may_come_back_as_another(scorer: Scorer, survey_id: str) -> None:
    added, embeddings = scorer.plant(survey_id, 5)
    delete(scorer, survey_id, added[0].detection_id)
    answer = scorer.add(survey_id, added[:1], -embeddings[:1])
    assert (answer.added, answer.survey.detection_count) == (1, 5)
    listed = scorer.stub.ListDetections(pb.ListDetectionsRequest(survey_id=survey_id)).detections
    assert listed[-1].detection_id == added[0].detection_id


def test_ids_must_be_named_once_and_the_survey_exist(scorer: Scorer, survey_id: str) -> None:
    scorer.plant(survey_id, 2)
    with pytest.raises(InvalidInputError, match="'d0000' twice"):
        delete(scorer, survey_id, "d0000", "d0000")
    with pytest.raises(InvalidInputError, match="detection_ids is 0; use 1 to 10000"):
        delete(scorer, survey_id)
    with pytest.raises(NotFoundError, match="another"):
        delete(scorer, f"{survey_id}-another", "d0000")
