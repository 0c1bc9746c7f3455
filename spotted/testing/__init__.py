"""Fakes of the services, for tests of code that uses `spotted.client`.

    from spotted.testing import fake_services

    def test_my_code() -> None:
        with fake_services() as spotted:
            ...

services                 `fake_services` and `local_services`: a client of fakes, or of the real services
server                   a gRPC server whose rpcs are plain functions
fake_scorer              surveys in memory, scored by the library
fake_survey              one of these surveys
fake_corrections         corrections of its detections
fake_catalogue           the named animals of its surveys
fake_catalogue_messages  the same as messages
fake_sampler             sessions in memory
fake_session             the journal of one, and what follows from it
fake_individuals         its individuals
fake_changes             names, merges, splits and moves of them by people
fake_local_features      local features of both
fake_matching            their matches
fake_operations          operations that are over at once
fake_embedder            vectors without a network
"""

from spotted.testing.fake_catalogue import FakeCatalogue
from spotted.testing.fake_embedder import FakeEmbedder
from spotted.testing.fake_sampler import FakeSampler
from spotted.testing.fake_scorer import FakeScorer
from spotted.testing.server import serve_replies
from spotted.testing.services import fake_services, local_services

__all__ = [
    "FakeCatalogue",
    "FakeEmbedder",
    "FakeSampler",
    "FakeScorer",
    "fake_services",
    "local_services",
    "serve_replies",
]
