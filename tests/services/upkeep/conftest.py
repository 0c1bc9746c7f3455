"""A second real store, for what is restored."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.common.store.store import Store
from tests.services.upkeep.object_store import serving
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


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Settings of an object store with the bucket `backups`."""
    pytest.importorskip("obstore", reason="the extra s3 is not installed")
    pytest.importorskip("moto", reason="the development requirements are not installed")
    with serving(tmp_path_factory.mktemp("s3")) as settings:
        yield settings
