"""A scorer on loopback, over the real store."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.common.process import now
from services.common.store.store import Store
from services.common.survey.heads import HeadStore
from services.scorer.__main__ import service
from services.scorer.surveys import Surveys
from tests.services.scorer.planted import Scorer
from tests.services.serving import running


@pytest.fixture
def scorer(store: Store) -> Iterator[Scorer]:
    """A scorer that is asked over a real channel."""
    with running(service(store)) as address:
        asked = Scorer(address)
        yield asked
        asked.channel.close()


@pytest.fixture
def surveys(store: Store) -> Surveys:
    """The surveys of the store, without a server before them."""
    return Surveys(store, HeadStore(store), now=now)
