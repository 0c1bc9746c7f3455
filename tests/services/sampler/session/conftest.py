"""The survey of a sampler's test exists in the store; a toy scorer has its detections."""

from __future__ import annotations

import pytest

from services.common.store.store import Store
from tests.services.sampler.surveys import plant_survey


@pytest.fixture
def survey_id(store: Store, survey_id: str) -> str:
    """A survey that no other test uses."""
    plant_survey(store, survey_id)
    return survey_id
