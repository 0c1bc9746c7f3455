"""Surveys and sessions created and deleted at once: none is inherited, invisible or over the quota."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest

from services.common import process
from services.common.store import keys
from services.common.store.store import Store
from services.common.survey.heads import HeadStore
from services.sampler.session.sessions import Sessions
from services.scorer.surveys import Surveys
from services.upkeep.backup.directory import survey_ids
from spotted import messages
from spotted.errors import NotFoundError, QuotaError
from spotted.v1 import sampler_pb2, survey_pb2
from tests.services.sampler.surveys import ToyScorer, planted

ROUNDS = 200


@pytest.fixture
def surveys(store: Store) -> Surveys:
    return Surveys(store, HeadStore(store), now=process.now)


@pytest.fixture
def sessions(store: Store) -> Sessions:
    return Sessions(store, ToyScorer(planted()), now=process.now)


def new(survey_id: str) -> survey_pb2.Survey:
    start, end = messages.timestamp(0.0), messages.timestamp(86_400.0)
    return survey_pb2.Survey(survey_id=survey_id, start_time=start, end_time=end)


@contextmanager
def racing(threads: int) -> Iterator[Callable[..., None]]:
    """A function that runs calls at once; whether they are refused does not matter."""
    with ThreadPoolExecutor(threads) as pool:

        def race(*calls: Callable[[], object]) -> None:
            together = threading.Barrier(len(calls))

            def run(call: Callable[[], object]) -> None:
                together.wait()
                with suppress(NotFoundError, QuotaError):
                    call()

            for each in [pool.submit(run, call) for call in calls]:
                each.result()

        yield race


def test_a_session_created_beside_a_deletion_is_not_inherited(
    surveys: Surveys, sessions: Sessions, store: Store, survey_id: str
) -> None:
    inherited = 0
    with racing(3) as race:
        for number in range(ROUNDS):
            surveys.create(new(survey_id), "")
            names = [f"s{number}-{n}" for n in range(2)]
            calls = [
                lambda name=name: sessions.create(
                    sampler_pb2.Session(session_id=name, survey_id=survey_id), ""
                )
                for name in names
            ]
            race(lambda: surveys.delete(survey_id, ""), *calls)
            surveys.create(new(survey_id), "")
            inherited += bool(sessions.list_ids(survey_id))
            inherited += any(store.length(keys.session_journal(survey_id, name)) for name in names)
            surveys.delete(survey_id, "")
    assert inherited == 0


def test_a_survey_created_beside_a_deletion_is_listed_exactly_if_it_exists(
    surveys: Surveys, store: Store, survey_id: str
) -> None:
    organisation = f"o{uuid.uuid4().hex[:8]}"
    survey_id = f"{organisation}/{survey_id}"
    differing = 0
    with racing(3) as race:
        for _ in range(ROUNDS):
            with suppress(NotFoundError):
                surveys.delete(survey_id, "")
            surveys.create(new(survey_id), "")
            race(
                lambda: surveys.delete(survey_id, ""),
                lambda: surveys.create(new(survey_id), ""),
                lambda: surveys.create(new(survey_id), ""),
            )
            exists = store.length(keys.survey_journal(survey_id)) > 0
            differing += (survey_id in surveys.list_ids(organisation)) != exists
            differing += (survey_id in survey_ids(store)) != exists
    assert differing == 0


def test_surveys_created_at_once_keep_to_the_quota(surveys: Surveys) -> None:
    over = 0
    with racing(6) as race:
        for _ in range(ROUNDS // 4):
            organisation = f"o{uuid.uuid4().hex[:8]}"
            calls = [
                lambda n=n, organisation=organisation: surveys.create(new(f"{organisation}/s{n}"), "", most=3)
                for n in range(6)
            ]
            race(*calls)
            over += len(surveys.list_ids(organisation)) != 3
    assert over == 0
