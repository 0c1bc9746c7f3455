"""A small survey with everything awkward in one, in a scorer that a client asks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.common.store.store import Store
from services.scorer.__main__ import service
from spotted.client import Spotted
from tests.services.scorer.planted import Scorer
from tests.services.serving import running

COUNT = 45


@pytest.fixture
def spotted(store: Store, survey_id: str) -> Iterator[Spotted]:
    with running(service(store)) as address:
        scorer = Scorer(address)
        scorer.plant(survey_id, COUNT)
        scorer.channel.close()
        with Spotted(embedder=address, scorer=address, sampler=address) as client:
            yield client
