"""Fields whose content is hostile: addresses of images that never end, instants outside of time."""

from __future__ import annotations

from collections.abc import Callable

import grpc
import numpy as np

from spotted import messages
from spotted.client import Spotted
from spotted.client.survey_messages import spec_message
from spotted.survey import Detection
from spotted.v1 import sampler_pb2, scorer_pb2, survey_pb2
from spotted.v1.scorer_pb2_grpc import ScorerServiceStub
from tools.attack.bystanders import DIMENSION, SPEC, fill
from tools.attack.outcomes import BreachError
from tools.attack.site import CALL_S, Site

SURVEY = "fields"
LONG_URI, LONGEST_URI = 1 << 20, 2048
NANOS = (-1, 1_000_000_000, 2_000_000_000, -(2**31))
# questions of the longest addresses that are asked at once
QUESTIONS = 100

Rpc = Callable[..., object]


def send_hostile_fields(site: Site) -> str:
    """Send fields that must be refused, and the largest that are not, which must come back."""
    with site.client(site.token("fields")[1]) as client:
        fill(client, SURVEY)
        scorer, sampler = client.connection.scorer.stub, client.connection.sampler.stub
        _reject(scorer, _added("long", uri="x" * LONG_URI))
        for nanos in NANOS:
            survey = survey_pb2.Survey(survey_id="instants")
            survey.start_time.seconds, survey.end_time.seconds = 0, 86_400
            survey.start_time.nanos = nanos
            _refuse(scorer.CreateSurvey, scorer_pb2.CreateSurveyRequest(survey=survey))
            _reject(scorer, _added("nanos", nanos=nanos))
            asked = sampler_pb2.NextPairsRequest(survey_id=SURVEY, session_id="main", annotator_id="anna")
            asked.lease_duration.nanos = nanos
            _refuse(sampler.NextPairs, asked)
        count = _ask_about_long_addresses(client)
    return f"{1 + 3 * len(NANOS)} refused by field; {count} questions about the longest addresses are asked"


def _ask_about_long_addresses(client: Spotted) -> int:
    survey = client.survey(SURVEY)
    for number in range(QUESTIONS):
        client.connection.scorer.stub.AddDetections(
            iter([_added(f"uri-{number}", uri="é" * LONGEST_URI)]), timeout=CALL_S
        )
    session = survey.create_session("main", strategy="random")
    asked = session.next_pairs("anna", count=QUESTIONS).pairs
    if not asked:
        raise BreachError("no question about detections with long addresses is ever asked")
    return len(asked)


def _added(detection_id: str, *, uri: str = "", nanos: int = 0) -> scorer_pb2.AddDetectionsRequest:
    message = messages.detection_message(Detection(detection_id, "c0", 10.0))
    message.image_uri = uri
    if nanos:
        message.captured_at.nanos = nanos
    return scorer_pb2.AddDetectionsRequest(
        survey_id=SURVEY,
        spec=spec_message(SPEC),
        detections=[message],
        embeddings=messages.tensor(np.ones((1, DIMENSION), dtype=np.float32)),
    )


def _reject(scorer: ScorerServiceStub, request: scorer_pb2.AddDetectionsRequest) -> None:
    answer = scorer.AddDetections(iter([request]), timeout=CALL_S)
    if answer.added or len(answer.rejected) != 1:
        raise BreachError(f"a hostile detection was stored: {answer.added} added")


def _refuse(rpc: Rpc, request: object) -> None:
    try:
        rpc(request, timeout=CALL_S)
    except grpc.RpcError as error:
        if error.code() is grpc.StatusCode.INVALID_ARGUMENT:
            return
        raise BreachError(f"a hostile field was answered {error.code().name}: {error.details()}") from error
    raise BreachError(f"a hostile field was accepted: {request}"[:300])
