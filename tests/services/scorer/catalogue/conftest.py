"""An organisation over the real store."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.common.store.store import Store
from tests.services.scorer.catalogue.organisation import Organisation, organisation


@pytest.fixture
def wcs(store: Store) -> Iterator[Organisation]:
    """An organisation without surveys."""
    with organisation(store) as made:
        yield made
