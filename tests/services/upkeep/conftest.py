"""A second real store, for what is restored."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.common.store import Store
from spotted import local


@pytest.fixture(scope="session")
def second_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("second")
    member = local.start_store(directory, local.free_port())
    local.wait(member, directory / "store.log")
    yield f"redis://{member.address}/0"
    local.end(member)


@pytest.fixture
def second(second_url: str) -> Iterator[Store]:
    opened = Store(second_url)
    opened.open()
    yield opened
    opened.close()
