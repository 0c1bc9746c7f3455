"""A request id names one request: a repeat gets the first answer, another request under it is refused."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from services.common.access.caller import methods
from services.common.store.request_content import REQUEST_ID, digest
from spotted.client.calls import our_errors
from spotted.errors import RequestIdReusedError
from spotted.v1 import (
    embedder_pb2,
    individuals_pb2,
    local_features_pb2,
    operations_pb2,
    sampler_pb2,
    scorer_pb2,
)
from tests.e2e.naming import NAMINGS
from tests.e2e.organisations import World
from tests.services.failing import failure_of
from tests.waiting import until

RPCS = methods()
MUTATING = [path for path in NAMINGS if REQUEST_ID in RPCS[path].input_type.fields_by_name]
# fields that say what a request is about
NAMES = {REQUEST_ID, "survey_id", "session_id"}
# field 1000, which no message has yet, as a number
LATER_FIELD = b"\xc0\x3e\x01"


def _train(world: World) -> Message:
    recipe = embedder_pb2.HeadRecipe(rank=1, epochs=1)
    return embedder_pb2.TrainHeadRequest(survey_id=world.north_ids.survey, recipe=recipe)


def _undo(world: World) -> Message:
    """Undoes a change that is made for it."""
    path = "/spotted.v1.SamplerService/UpdateIndividual"
    changed = world.north.call(RPCS[path], request_of(world, path))
    assert isinstance(changed, individuals_pb2.UpdateIndividualResponse)
    return individuals_pb2.UndoChangeRequest(
        survey_id=world.north_ids.survey,
        session_id=world.north_ids.session,
        position=changed.result.position,
        annotator_id="ben",
    )


def _match(world: World) -> Message:
    """On a survey of which two detections have local features."""
    stored = request_of(world, "/spotted.v1.ScorerService/AddLocalFeatures")
    other = stored.features.add(detection_id=world.north_ids.other_detection)
    other.features = stored.features[0].features
    world.north.call(RPCS["/spotted.v1.ScorerService/AddLocalFeatures"], stored)
    return local_features_pb2.MatchLocalFeaturesRequest(survey_id=world.north_ids.survey)


def _by_another(request: Any) -> None:  # noqa: ANN401 - of the rpc's type
    request.annotator_id = "carl"


def _change_mask(request: scorer_pb2.UpdateSurveyRequest) -> None:
    request.update_mask.paths.append("display_name")


# of the others the first request of the table is sent
MADE: dict[str, Callable[[World], Message]] = {
    "TrainHead": _train,
    "UndoChange": _undo,
    "MatchLocalFeatures": _match,
}
# a valid change of what is sent first
CHANGES: dict[str, Callable[[Any], object]] = {
    "TrainHead": lambda request: setattr(request.recipe, "seed", 7),
    "CreateSession": lambda request: setattr(request.session, "seed", 7),
    "SubmitLabels": lambda request: setattr(request.labels[0], "answer", sampler_pb2.ANSWER_NOT_COMPARABLE),
    "RetractLabels": _by_another,
    "UpdateIndividual": _by_another,
    "MergeIndividuals": _by_another,
    "SplitIndividual": _by_another,
    "MoveDetections": _by_another,
    "UndoChange": _by_another,
    "CreateSurvey": lambda request: setattr(request.survey, "display_name", "Another"),
    "UpdateSurvey": _change_mask,
    "UpsertCameras": lambda request: setattr(request.cameras[0].position, "x_m", 5.0),
    "ActivateHead": lambda request: setattr(request, "head_digest", ""),
    "FitCalibration": lambda request: setattr(request, "use_known_individuals", True),
    "ActivateCalibration": lambda request: setattr(request, "calibration_digest", ""),
    "AddCatalogueMembers": _by_another,
    "UpdateCatalogueEntry": _by_another,
    "MergeCatalogueEntries": _by_another,
    "SplitCatalogueEntry": _by_another,
    "RemoveCatalogueMembers": _by_another,
    "UndoCatalogueChange": _by_another,
    "UpdateSession": lambda request: setattr(request.session, "trust", sampler_pb2.TRUST_VERIFIED),
    "UpdateDetections": lambda request: setattr(request.detections[0], "image_uri", "another.jpg"),
    "MatchLocalFeatures": lambda request: setattr(request, "renew", True),
    "AddLocalFeatures": lambda request: setattr(request, "replace_spec", True),
    "DeleteCameras": lambda request: request.camera_ids.append("elsewhere"),
    "DeleteDetections": lambda request: request.detection_ids.append("another"),
}


def request_of(world: World, path: str) -> Any:  # noqa: ANN401 - of the rpc's type
    make = MADE.get(path.rpartition("/")[2])
    ids = replace(world.north_ids, taken="taken-by-nobody")
    made: Any = make(world) if make else NAMINGS[path][0].make(ids)
    made.request_id = str(uuid.uuid4())
    return made


def changed(path: str, request: Any) -> list[Message]:  # noqa: ANN401 - of the rpc's type
    """Other requests with the same id: one that is valid now, and one with a field of a later contract."""
    later = type(request).FromString(request.SerializeToString() + LATER_FIELD)
    change = CHANGES.get(path.rpartition("/")[2])
    if change is None:
        return [later]
    other = type(request).FromString(request.SerializeToString())
    change(other)
    return [other, later]


def test_a_change_is_known_for_every_request_with_more_than_names() -> None:
    with_more = {
        path.rpartition("/")[2] for path in MUTATING if set(RPCS[path].input_type.fields_by_name) - NAMES
    }
    assert with_more == set(CHANGES)


@pytest.mark.parametrize("path", MUTATING)
def test_a_repeat_gets_the_first_answer_and_another_request_under_its_id_is_refused(
    world: World, path: str
) -> None:
    request = request_of(world, path)
    first = world.north.call(RPCS[path], request)
    assert world.north.call(RPCS[path], request) == first
    for other in changed(path, request):
        with pytest.raises(grpc.RpcError) as caught:
            world.north.call(RPCS[path], other)
        assert failure_of(caught.value)[:2] == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")
        assert metadata_of(caught.value) == {"first_content": digest(request), "sent_content": digest(other)}
    assert world.north.call(RPCS[path], request) == first
    if isinstance(first, embedder_pb2.TrainHeadResponse):
        ended(world, first.operation.operation_id)


def test_the_client_raises_it_with_both_digests(world: World) -> None:
    path = "/spotted.v1.ScorerService/UpsertCameras"
    request = request_of(world, path)
    request.survey_id = world.north_ids.taken
    world.north.call(RPCS[path], request)
    other = changed(path, request)[0]
    with pytest.raises(RequestIdReusedError, match="use a new request_id") as caught, our_errors("here"):
        world.north.call(RPCS[path], other)
    assert (caught.value.first_content, caught.value.sent_content) == (digest(request), digest(other))


def metadata_of(error: grpc.RpcError) -> dict[str, str]:
    """The metadata of an error's ErrorInfo."""
    assert isinstance(error, grpc.Call)
    status, info = rpc_status.from_call(error), error_details_pb2.ErrorInfo()
    assert status is not None
    assert status.details[0].Unpack(info)
    return dict(info.metadata)


def ended(world: World, operation_id: str) -> None:
    """Wait for the end of a training, whose process reads the survey."""
    request = operations_pb2.GetOperationRequest(operation_id=operation_id)
    method = RPCS["/spotted.v1.OperationsService/GetOperation"]

    def state() -> operations_pb2.OperationState.ValueType:
        answer = world.north.call(method, request)
        assert isinstance(answer, operations_pb2.GetOperationResponse)
        return answer.operation.state

    until(lambda: state() != operations_pb2.OPERATION_STATE_RUNNING, "the training ends")
    assert state() == operations_pb2.OPERATION_STATE_SUCCEEDED
