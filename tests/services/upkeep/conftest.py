"""A second real store, for what is restored."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.common.store.store import Store
from tests.stores import running_store


@pytest.fixture(scope="session")
def second_url() -> Iterator[str]:
    with running_store() as url:
        yield url


@pytest.fixture
def second(second_url: str) -> Iterator[Store]:
    opened = Store(second_url)
    opened.open()
    yield opened
    opened.close()
