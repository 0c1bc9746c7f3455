"""A session whose detections are known to the sampler, under either trust."""

from __future__ import annotations

import pytest

from services.common.store.store import Store
from spotted.v1 import sampler_pb2
from tests.services.sampler.individuals.session import OpenSession
from tests.services.sampler.surveys import Sampler, ToyScorer, planted

TRUSTS = {"single": sampler_pb2.TRUST_SINGLE, "verified": sampler_pb2.TRUST_VERIFIED}


@pytest.fixture(params=TRUSTS)
def session(request: pytest.FixtureRequest, store: Store, survey_id: str) -> OpenSession:
    """Twelve detections, no label so far; d00 and d01 are in one image."""
    scorer = ToyScorer(planted(animals=4, each=3), images={"d00": "i", "d01": "i"})
    sampler = Sampler(store, scorer)
    sampler.create(survey_id, trust=TRUSTS[request.param])
    sampler.ask(survey_id)
    return OpenSession(sampler, survey_id)
