"""Every instant and duration of every request: refused with its field if its nanoseconds are out of range."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from services.common.rpc import checks
from services.sampler import wire
from services.sampler.individuals import requests as individual_requests
from services.sampler.session.imported_events import ImportedEvents
from services.scorer import correction_requests, requests
from services.scorer.catalogue import requests as catalogue_requests
from spotted.errors import InvalidInputError
from spotted.messages import timestamp
from spotted.v1 import (
    catalogue_pb2,
    corrections_pb2,
    embedder_pb2,
    individuals_pb2,
    operations_pb2,
    sampler_pb2,
    scorer_pb2,
    survey_pb2,
)

FILES = (
    embedder_pb2,
    operations_pb2,
    sampler_pb2,
    scorer_pb2,
    individuals_pb2,
    corrections_pb2,
    catalogue_pb2,
)
TIMES = {"google.protobuf.Timestamp", "google.protobuf.Duration"}
LABEL = {"first_detection_id": "a", "second_detection_id": "b", "answer": 1, "annotator_id": "x"}


def times(kind: Descriptor, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for field in kind.fields:
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            inner = cast("Descriptor", field.message_type)
            if inner.full_name in TIMES:
                yield (*path, field.name)
            elif not inner.GetOptions().map_entry:
                yield from times(inner, (*path, field.name))


def all_times() -> set[str]:
    return {
        f"{method.input_type.name}.{'.'.join(path)}"
        for file in FILES
        for service in file.DESCRIPTOR.services_by_name.values()
        for method in service.methods
        for path in times(method.input_type)
    }


def survey() -> survey_pb2.Survey:
    return survey_pb2.Survey(survey_id="s", start_time=timestamp(0.0), end_time=timestamp(9.0))


def detection_fault(request: scorer_pb2.AddDetectionsRequest) -> None:
    request.embeddings.CopyFrom(
        survey_pb2.Tensor(content=b"\0" * 8, element_type=survey_pb2.ELEMENT_TYPE_FLOAT32, shape=[1, 2])
    )
    request.spec.CopyFrom(
        survey_pb2.EmbeddingSpec(backbone_digest="b", preprocessing_digest="p", dimension=2)
    )
    request.survey_id = "s"
    request.detections[0].detection_id = "d"
    for error in requests.block(request, "").faults.values():
        raise error


def checked_rules(request: Any) -> None:  # noqa: ANN401 - either request for candidates
    request.top_k = 1
    requests.candidate_query(request)


def queried(request: scorer_pb2.QueryCandidatesRequest) -> None:
    # only the detection is read before the survey's vectors are compared
    checks.detection(request.detection, "detection", stored=False)


def cameras(request: scorer_pb2.UpsertCamerasRequest) -> None:
    request.cameras[0].camera_id = "c"
    requests.cameras(request)


def created(request: scorer_pb2.CreateSurveyRequest) -> None:
    whole = survey()
    whole.MergeFrom(request.survey)
    requests.new_survey(scorer_pb2.CreateSurveyRequest(survey=whole))


def updated(request: scorer_pb2.UpdateSurveyRequest) -> None:
    whole = survey()
    whole.MergeFrom(request.survey)
    changed = scorer_pb2.UpdateSurveyRequest(survey=whole)
    changed.update_mask.paths.extend(["start_time", "end_time"])
    requests.changed_survey(changed)


def imported(request: sampler_pb2.ImportSessionRequest) -> None:
    begun = ImportedEvents(("s", "m"), {"a", "b"})
    (event,) = request.events
    follows = not event.HasField("created") and event.WhichOneof("event") is not None
    if follows:
        start = sampler_pb2.SessionEvent(position=1, create_time=timestamp(0.0))
        start.created.strategy.strategy_id = "greedy"
        begun.take(start)
        planned = sampler_pb2.SessionEvent(position=2, create_time=timestamp(0.0))
        planned.planned.round = 1
        planned.planned.added_detection_ids.extend(["a", "b"])
        begun.take(planned)
    event.create_time.seconds = event.create_time.seconds or 1
    if event.HasField("changed"):
        event.changed.annotator_id = "x"
        event.changed.updated.paths.append("dead_since")
        event.changed.updated.individual.individual_id = "ind-a"
    elif event.HasField("labelled"):
        for name, value in LABEL.items():
            setattr(event.labelled.labels[0], name, value)
        event.labelled.labels[0].label_id = "3-1"
    elif not follows:
        event.created.strategy.strategy_id = "greedy"
    event.position = 3 if follows else 1
    begun.take(event)


def session_created(request: sampler_pb2.CreateSessionRequest) -> None:
    request.session.survey_id, request.session.session_id = "s", "m"
    wire.new_session(request)


def session_updated(request: sampler_pb2.UpdateSessionRequest) -> None:
    request.session.survey_id, request.session.session_id = "s", "m"
    request.update_mask.paths.append("filter")
    wire.changed_session(request)


def corrected(request: corrections_pb2.UpdateDetectionsRequest) -> None:
    request.survey_id = "s"
    request.update_mask.paths.append("captured_at")
    request.detections[0].detection_id = "d"
    for error in correction_requests.corrections(request).faults.values():
        raise error


def individual(request: individuals_pb2.UpdateIndividualRequest) -> None:
    request.survey_id, request.session_id, request.annotator_id = "s", "m", "x"
    request.individual.individual_id = "ind-a"
    request.update_mask.paths.append("dead_since")
    individual_requests.update(request)


def animal(request: catalogue_pb2.AddCatalogueMembersRequest) -> None:
    (addition,) = request.additions
    addition.individual.detection_ids.append("d")
    addition.individual.status = individuals_pb2.INDIVIDUAL_STATUS_DEAD
    catalogue_requests.addition(addition, 0)


def entry(request: catalogue_pb2.UpdateCatalogueEntryRequest) -> None:
    request.entry.entry_id, request.annotator_id = "cat-a", "x"
    request.update_mask.paths.append("dead_since")
    catalogue_requests.update(request)


def asked(request: sampler_pb2.NextPairsRequest) -> None:
    request.annotator_id = "anna"
    wire.question_request(request)


READ: dict[str, Callable[[Any], None]] = {
    "CreateSurveyRequest.survey.start_time": created,
    "CreateSurveyRequest.survey.end_time": created,
    "UpdateSurveyRequest.survey.start_time": updated,
    "UpdateSurveyRequest.survey.end_time": updated,
    "UpsertCamerasRequest.cameras.start_time": cameras,
    "UpsertCamerasRequest.cameras.end_time": cameras,
    "AddDetectionsRequest.detections.captured_at": detection_fault,
    "GetCandidatesRequest.filter.captured_from": checked_rules,
    "GetCandidatesRequest.filter.captured_before": checked_rules,
    "QueryCandidatesRequest.filter.captured_from": checked_rules,
    "QueryCandidatesRequest.filter.captured_before": checked_rules,
    "QueryCandidatesRequest.detection.captured_at": queried,
    "NextPairsRequest.lease_duration": asked,
    "CreateSessionRequest.session.filter.captured_from": session_created,
    "CreateSessionRequest.session.filter.captured_before": session_created,
    "UpdateSessionRequest.session.filter.captured_from": session_updated,
    "UpdateSessionRequest.session.filter.captured_before": session_updated,
    "UpdateDetectionsRequest.detections.captured_at": corrected,
    "UpdateIndividualRequest.individual.dead_since": individual,
    "AddCatalogueMembersRequest.additions.individual.dead_since": animal,
    "UpdateCatalogueEntryRequest.entry.dead_since": entry,
    "ImportSessionRequest.events.created.filter.captured_from": imported,
    "ImportSessionRequest.events.created.filter.captured_before": imported,
    "ImportSessionRequest.events.updated.settings.filter.captured_from": imported,
    "ImportSessionRequest.events.updated.settings.filter.captured_before": imported,
    "ImportSessionRequest.events.changed.updated.individual.dead_since": imported,
    "ImportSessionRequest.events.create_time": imported,
    "ImportSessionRequest.events.labelled.labels.create_time": imported,
}
# output only: the service replaces or removes them unread
IGNORED = {
    "CreateSurveyRequest.survey.update_time",
    "UpdateSurveyRequest.survey.update_time",
    "CreateSessionRequest.session.update_time",
    "ImportSessionRequest.events.created.update_time",
    "ImportSessionRequest.events.updated.settings.update_time",
    "UpdateSessionRequest.session.update_time",
    "CreateSessionRequest.session.create_time",
    "ImportSessionRequest.events.created.create_time",
    "ImportSessionRequest.events.updated.settings.create_time",
    "UpdateSessionRequest.session.create_time",
    "SubmitLabelsRequest.labels.create_time",
}


def test_the_table_has_every_time_of_every_request() -> None:
    assert all_times() == set(READ) | IGNORED


def request_with(path: str, nanos: int) -> Message:
    name, *fields = path.split(".")
    (kind,) = (f.DESCRIPTOR.message_types_by_name[name] for f in FILES if hasattr(f, name))
    request = message_factory.GetMessageClass(kind)()
    inner: Any = request
    for field in fields:
        inner = getattr(inner, field)
        inner = inner.add() if hasattr(inner, "add") else inner
    inner.seconds, inner.nanos = 5, nanos
    return request


@pytest.mark.parametrize("nanos", [-1, 1_000_000_000, -(2**31), 2**31 - 1])
@pytest.mark.parametrize("path", READ)
def test_nanoseconds_out_of_range_are_refused_by_the_field(path: str, nanos: int) -> None:
    with pytest.raises(InvalidInputError, match=r"nanos is .*use 0 to 999999999") as caught:
        READ[path](request_with(path, nanos))
    assert f"{path.rpartition('.')[2]}.nanos" in str(caught.value)


@pytest.mark.parametrize("nanos", [0, 999_999_999])
@pytest.mark.parametrize("path", READ)
def test_nanoseconds_in_range_are_accepted(path: str, nanos: int) -> None:
    READ[path](request_with(path, nanos))
