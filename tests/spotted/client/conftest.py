"""A client of a scorer and a sampler that hold a small survey."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.common.store.store import Store
from spotted.client import Spotted
from tests.spotted.client.surveys import DETECTIONS, SPEC, serving, survey, vectors


@pytest.fixture
def spotted(store: Store, survey_id: str) -> Iterator[Spotted]:
    with serving(store) as client:
        client.create_survey(survey(survey_id))
        client.add_detections(survey_id, DETECTIONS, vectors(), SPEC)
        yield client
