"""Two organisations in one store, for the tests of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.common.store.store import Store
from tests.e2e.organisations import World, two_organisations


@pytest.fixture(scope="module")
def world(store_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Both filled, behind services that check tokens."""
    store = Store(store_url)
    store.open()
    with two_organisations(store, tmp_path_factory.mktemp("tokens")) as filled:
        yield filled
    store.close()
