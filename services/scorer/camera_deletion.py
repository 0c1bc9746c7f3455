"""Cameras deleted from a survey; one that detections name stays."""

from __future__ import annotations

from collections.abc import Sequence

from services.common.store.journal import Change
from services.common.survey.places import place
from services.common.survey.state import SurveyState
from services.scorer.surveys import Surveys
from spotted.errors import PreconditionError
from spotted.v1 import corrections_pb2 as pb
from spotted.v1 import store_pb2


def delete_cameras(
    surveys: Surveys, survey_id: str, camera_ids: Sequence[str], request_id: str
) -> pb.DeleteCamerasResponse:
    """Remove cameras and count those that are not stored.

    Raises NotFoundError for the survey, PreconditionError if a detection names one of the cameras.
    """
    leaving = frozenset(camera_ids)

    def decide(state: SurveyState) -> Change:
        named = [d for d in state.detections.values() if d.camera_id in leaving]
        if named:
            raise PreconditionError(
                f"{len(named)} detections of survey {survey_id!r} name these cameras, such as detection "
                f"{named[0].detection_id!r} camera {named[0].camera_id!r}; delete or correct the detections "
                "first"
            )
        stored = [i for i in camera_ids if i in state.cameras]
        after = state.described()
        after.camera_count -= len(stored)
        after.coordinate_system = place(
            {i: camera for i, camera in state.given_cameras.items() if i not in leaving}
        )[1]
        after.revision += 1 if stored else 0
        answer = pb.DeleteCamerasResponse(
            deleted=len(stored), missing=len(camera_ids) - len(stored), survey=after
        )
        event = store_pb2.SurveyEvent(cameras_deleted=pb.CamerasDeleted(camera_ids=stored))
        return Change(surveys.entry(event) if stored else b"", answer.SerializeToString())

    reply = surveys.folded(survey_id).change(decide, scope="DeleteCameras", request_id=request_id)
    return pb.DeleteCamerasResponse.FromString(reply.value)
