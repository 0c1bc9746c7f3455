"""A small survey with everything awkward in one, in a scorer that a client asks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.common.store.store import Store
from services.scorer.__main__ import service
from spotted.batch.places import open_place
from spotted.client import Spotted
from tests.services.scorer.planted import Scorer
from tests.services.serving import running
from tests.services.upkeep.object_store import serving

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
    pytest.importorskip("obstore", reason="the extra s3 is not installed")
    pytest.importorskip("moto", reason="the development requirements are not installed")
    with serving(tmp_path_factory.mktemp("s3")) as settings, pytest.MonkeyPatch.context() as patched:
        for name, value in settings.items():
            patched.setenv(name.upper(), value)
        yield "s3://backups"
    open_place.cache_clear()
