from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from services.scorer import servicer
from services.scorer.servicer import ScorerServicer
from spotted import messages
from spotted.errors import InvalidInputError, NotFoundError
from spotted.survey import Detection
from spotted.v1 import scorer_pb2 as pb
from spotted.v1 import survey_pb2
from tests.services.scorer.planted import CAMERAS, DIMENSION, START_S, Scorer, ask, vectors

RPCS = [method.name for method in pb.DESCRIPTOR.services_by_name["ScorerService"].methods]
MOST_STATEMENTS = 6


@pytest.mark.parametrize("rpc", RPCS)
def test_every_rpc_of_the_contract_is_served(rpc: str) -> None:
    assert rpc in vars(ScorerServicer)


def test_rpcs_decode_call_and_encode_and_no_more() -> None:
    (servant,) = (n for n in ast.parse(inspect.getsource(servicer)).body if isinstance(n, ast.ClassDef))
    rpcs = [n for n in servant.body if isinstance(n, ast.AsyncFunctionDef)]
    assert len(rpcs) == len(RPCS)
    for rpc in rpcs:
        assert len(rpc.body) - 1 <= MOST_STATEMENTS, rpc.name
        assert not [n for n in ast.walk(rpc) if isinstance(n, ast.Try)], rpc.name


@pytest.mark.parametrize("size", [1, 7, 40, 1000])
def test_pages_of_detections_make_the_whole_list(scorer: Scorer, survey_id: str, size: int) -> None:
    added, _ = scorer.plant(survey_id, 40)
    request = pb.ListDetectionsRequest(survey_id=survey_id, page_size=size, include_embeddings=True)
    listed: list[Detection] = []
    rows = []
    while True:
        page = scorer.stub.ListDetections(request)
        assert len(page.detections) <= size
        listed += [messages.detection(d) for d in page.detections]
        rows.append(messages.array(page.embeddings))
        request.page_token = page.next_page_token
        if not page.next_page_token:
            break
    assert listed == added
    assert np.concatenate(rows).shape == (40, DIMENSION)


def test_a_page_stays_within_a_message_however_long_its_detections(scorer: Scorer, survey_id: str) -> None:
    scorer.create(survey_id)
    pictures = [Detection(f"d{n}", image_uri="𐌀" * 2048) for n in range(300)]
    scorer.add(survey_id, pictures, vectors(300))
    request = pb.ListDetectionsRequest(survey_id=survey_id)
    seen: list[str] = []
    while True:
        page = scorer.stub.ListDetections(request)
        assert page.ByteSize() < 1.1 * 1024 * 1024
        seen += [d.detection_id for d in page.detections]
        request.page_token = page.next_page_token
        if not page.next_page_token:
            break
    assert seen == [d.detection_id for d in pictures]


def test_an_empty_survey_lists_nothing(scorer: Scorer, survey_id: str) -> None:
    scorer.create(survey_id, cameras=())
    for embeddings in (False, True):
        request = pb.ListDetectionsRequest(survey_id=survey_id, include_embeddings=embeddings)
        page = scorer.stub.ListDetections(request)
        assert (len(page.detections), page.next_page_token) == (0, "")
    cameras = scorer.stub.ListCameras(pb.ListCamerasRequest(survey_id=survey_id))
    assert (len(cameras.cameras), cameras.next_page_token) == (0, "")


def test_pages_of_cameras_make_the_whole_list(scorer: Scorer, survey_id: str) -> None:
    scorer.create(survey_id)
    first = scorer.stub.ListCameras(pb.ListCamerasRequest(survey_id=survey_id, page_size=3))
    request = pb.ListCamerasRequest(survey_id=survey_id, page_size=3, page_token=first.next_page_token)
    second = scorer.stub.ListCameras(request)
    assert [messages.camera(c) for c in (*first.cameras, *second.cameras)] == list(CAMERAS)
    assert not second.next_page_token


def test_a_page_token_of_another_survey_is_refused(scorer: Scorer, survey_id: str) -> None:
    for one in (survey_id, f"{survey_id}-2"):
        scorer.plant(one, 4)
    token = scorer.stub.ListDetections(
        pb.ListDetectionsRequest(survey_id=survey_id, page_size=2)
    ).next_page_token
    other = pb.ListDetectionsRequest(survey_id=f"{survey_id}-2", page_token=token)
    with pytest.raises(InvalidInputError, match="page_token"):
        ask(scorer.stub.ListDetections, other)


def test_an_unknown_survey_is_named_by_every_reading_rpc(scorer: Scorer, survey_id: str) -> None:
    pair = survey_pb2.Pair(first_detection_id="a", second_detection_id="b")
    asked: list[Callable[[None], object]] = [
        lambda _: scorer.stub.GetSurvey(pb.GetSurveyRequest(survey_id=survey_id)),
        lambda _: scorer.stub.ListCameras(pb.ListCamerasRequest(survey_id=survey_id)),
        lambda _: scorer.stub.ListDetections(pb.ListDetectionsRequest(survey_id=survey_id)),
        lambda _: scorer.candidates(survey_id),
        lambda _: scorer.stub.ScorePairs(pb.ScorePairsRequest(survey_id=survey_id, pairs=[pair])),
        lambda _: list(scorer.stub.GetScoreMatrix(pb.GetScoreMatrixRequest(survey_id=survey_id))),
        lambda _: scorer.stub.ExplainPair(pb.ExplainPairRequest(survey_id=survey_id, pair=pair)),
    ]
    for call in asked:
        with pytest.raises(NotFoundError, match=f"{survey_id}.*[cC]reate"):
            ask(call, None)


def test_one_stream_is_of_one_revision_while_the_survey_grows(scorer: Scorer, survey_id: str) -> None:
    scorer.create(survey_id)
    added = [Detection(f"d{n}", "CAM01", START_S + n) for n in range(600)]
    scorer.add(survey_id, added, vectors(600))
    stream = scorer.stub.GetCandidates(pb.GetCandidatesRequest(survey_id=survey_id, top_k=50))
    first = next(stream)
    scorer.add(survey_id, [Detection("late")], vectors(1))
    rest = list(stream)
    assert {answer.revision for answer in rest} == {first.revision}
    lists = [one for answer in (first, *rest) for one in answer.lists]
    assert {one.compared for one in lists} == {599}
    assert len(lists) == 600


def test_readers_and_writers_at_once_see_whole_blocks(scorer: Scorer, survey_id: str) -> None:
    scorer.create(survey_id)
    added = [Detection(f"d{n:03}", "CAM01", START_S + n) for n in range(120)]

    def read(_: int) -> int:
        return len(scorer.stub.ListDetections(pb.ListDetectionsRequest(survey_id=survey_id)).detections)

    with ThreadPoolExecutor(4) as readers:
        counts = readers.map(read, range(40))
        scorer.add(survey_id, added, vectors(120), chunk=10)
        assert {count % 10 for count in counts} == {0}
    assert read(0) == 120
