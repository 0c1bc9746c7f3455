from __future__ import annotations

from collections.abc import Iterator

import pytest

from spotted.client import Spotted
from spotted.errors import (
    AlreadyExistsError,
    InvalidInputError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    SpottedError,
)
from spotted.testing.server import serve_replies
from spotted.v1 import scorer_pb2
from tests.waiting import PATIENCE_S


def raising(error: SpottedError) -> Iterator[Spotted]:
    def reply(_: object) -> None:
        raise error

    with (
        serve_replies({"GetSurvey": reply, "GetCandidates": reply}) as address,
        Spotted(embedder=address, scorer=address, sampler=address) as spotted,
    ):
        yield spotted


@pytest.mark.parametrize(
    "error",
    [
        AlreadyExistsError("taken"),
        InvalidInputError("wrong", field="survey_id"),
        NotFoundError("missing"),
        OverloadedError("full", retry_after_s=2.5),
        PermissionDeniedError("not allowed"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_reaches_the_client_as_its_own_class(error: SpottedError) -> None:
    for spotted in raising(error):
        for call in (spotted.survey("a").info, lambda: list(spotted.survey("a").candidates())):  # noqa: B023 - called at once
            with pytest.raises(type(error), match=str(error)) as raised:
                call()
            assert type(raised.value) is type(error)
            assert vars(raised.value) == vars(error)


def test_requests_and_responses_stream() -> None:
    def add(requests: Iterator[scorer_pb2.AddDetectionsRequest]) -> scorer_pb2.AddDetectionsResponse:
        return scorer_pb2.AddDetectionsResponse(added=sum(len(one.detections) for one in requests))

    def candidates(request: scorer_pb2.GetCandidatesRequest) -> Iterator[scorer_pb2.GetCandidatesResponse]:
        for detection_id in request.detection_ids:
            yield scorer_pb2.GetCandidatesResponse(
                lists=[scorer_pb2.CandidateList(detection_id=detection_id)]
            )

    with (
        serve_replies({"AddDetections": add, "GetCandidates": candidates}) as address,
        Spotted(embedder=address, scorer=address, sampler=address) as spotted,
    ):
        stub = spotted.connection.scorer.stub
        blocks = [scorer_pb2.AddDetectionsRequest(detections=[{}, {}])] * 3  # type: ignore[list-item] # a dict will do
        assert stub.AddDetections(iter(blocks), timeout=PATIENCE_S).added == 6
        lists = spotted.survey("a").candidates(detection_ids=["x", "y"])
        assert [one.detection_id for one in lists] == ["x", "y"]


def test_an_rpc_without_a_function_is_unimplemented() -> None:
    with (
        serve_replies({}) as address,
        Spotted(embedder=address, scorer=address, sampler=address) as spotted,
        pytest.raises(SpottedError, match="UNIMPLEMENTED"),
    ):
        spotted.survey("a").info()
