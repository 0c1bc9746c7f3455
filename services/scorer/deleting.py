"""Detections out of a survey."""

from __future__ import annotations

from collections.abc import Sequence

from services.common.journal import Change
from services.common.survey_state import SurveyState
from services.scorer.surveys import Surveys
from spotted.v1 import scorer_pb2 as pb


def delete_detections(
    surveys: Surveys, survey_id: str, detection_ids: Sequence[str], request_id: str
) -> pb.DeleteDetectionsResponse:
    """Remove detections; those that are not there are counted. Raises NotFoundError for the survey."""

    def decide(state: SurveyState) -> Change:
        there = [i for i in detection_ids if i in state.detections]
        after = state.described()
        after.detection_count -= len(there)
        after.revision += 1 if there else 0
        answer = pb.DeleteDetectionsResponse(
            deleted=len(there), missing=len(detection_ids) - len(there), survey=after
        )
        entry = surveys.deletion(there) if there else b""
        return Change(entry, answer.SerializeToString())

    answer = surveys.folded(survey_id).change(decide, scope="DeleteDetections", request_id=request_id)
    return pb.DeleteDetectionsResponse.FromString(answer)
