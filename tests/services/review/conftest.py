"""The review page over real services."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.common.store.store import Store
from tests.services.review.surveys_with_photographs import Page, local_page, shared_page


@pytest.fixture
def page(store: Store, survey_id: str, tmp_path: Path) -> Iterator[Page]:
    """The page of one machine."""
    with local_page(store, survey_id, tmp_path) as made:
        yield made


@pytest.fixture
def shared(store: Store, survey_id: str, tmp_path: Path) -> Iterator[Page]:
    """The page of several people with tokens."""
    with shared_page(store, survey_id, tmp_path) as made:
        yield made
