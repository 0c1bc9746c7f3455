"""A client of a scorer and a sampler that hold a small survey."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.common.store.store import Store
from spotted.client import Spotted, SurveyHandle
from tests.spotted.client.surveys import DETECTIONS, SPEC, serving, survey, vectors


@pytest.fixture
def spotted(store: Store, survey_id: str) -> Iterator[Spotted]:
    with serving(store) as client:
        client.create_survey(survey(survey_id)).add_detections(DETECTIONS, vectors(), SPEC)
        yield client


@pytest.fixture
def handle(spotted: Spotted, survey_id: str) -> SurveyHandle:
    """The small survey."""
    return spotted.survey(survey_id)
