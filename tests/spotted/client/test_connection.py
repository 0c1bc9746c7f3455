from __future__ import annotations

import select
import socket
import uuid

import pytest

from services.common.store.store import Store
from services.scorer.__main__ import service
from spotted.client import Spotted
from spotted.client.connection import request_id
from spotted.errors import DeadlineError, PreconditionError
from spotted.local import processes
from spotted.survey import Survey
from spotted.v1 import scorer_pb2
from tests.services.serving import running


def test_request_ids_are_uuids_and_never_twice() -> None:
    ids = {request_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(str(uuid.UUID(one)) == one for one in ids)


def test_lists_longer_than_a_page_come_whole(store: Store, survey_id: str) -> None:
    names = [f"{survey_id}-{n}" for n in range(5)]
    with running(service(store)) as a, Spotted(embedder=a, scorer=a, sampler=a) as spotted:
        for name in names:
            spotted.create_survey(Survey(name, 0.0, 1.0))
        request = scorer_pb2.ListSurveysRequest(page_size=2)
        scorer = spotted.connection.scorer
        pages = list(scorer.pages(scorer.stub.ListSurveys, request))
    listed = [s.survey_id for page in pages for s in page.surveys]
    assert [i for i in listed if i in names] == names
    assert all(len(page.surveys) <= 2 for page in pages)


def test_nothing_is_sent_before_the_first_call() -> None:
    with socket.socket() as mute:
        mute.bind((processes.LOOPBACK, 0))
        mute.listen()
        address = f"{processes.LOOPBACK}:{mute.getsockname()[1]}"
        with Spotted(embedder=address, scorer=address, sampler=address, timeout_s=0.5) as spotted:
            connected, _, _ = select.select([mute], [], [], 0.2)
            assert not connected
            with pytest.raises(DeadlineError):
                spotted.survey("any").info()
            connected, _, _ = select.select([mute], [], [], 0.2)
            assert connected


def test_a_call_of_a_closed_client_is_refused() -> None:
    client = Spotted(embedder="127.0.0.1:1", scorer="127.0.0.1:1", sampler="127.0.0.1:1")
    survey = client.survey("s")
    client.close()
    for call in (
        client.server_info,
        lambda: list(client.embed([])),
        survey.info,
        lambda: list(survey.candidates()),
        lambda: client.connection.scorer.send(client.connection.scorer.stub.AddDetections, []),
    ):
        with pytest.raises(PreconditionError, match="was closed; create a new one"):
            call()
