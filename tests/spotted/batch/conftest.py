"""A small survey with everything awkward in one, in a scorer that a client asks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.common.store.store import Store
from services.scorer.__main__ import service
from spotted.client import Spotted
from tests.services.scorer.planted import Scorer
from tests.services.serving import running
from tests.spotted.batch.reachable_bucket import reachable_bucket

COUNT = 45


@pytest.fixture
def spotted(store: Store, survey_id: str) -> Iterator[Spotted]:
    with running(service(store)) as address:
        scorer = Scorer(address)
        scorer.plant(survey_id, COUNT)
        scorer.channel.close()
        with Spotted(embedder=address, scorer=address, sampler=address) as client:
            yield client


@pytest.fixture(scope="session")
def bucket_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A bucket of a real S3 server, reached by the usual variables."""
    with reachable_bucket(tmp_path_factory.mktemp("s3")) as url:
        yield url
