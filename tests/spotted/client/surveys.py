"""A scorer with a small survey, for the tests of the client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from services.common.store.store import Store
from services.sampler.scorer_client import ScorerClient
from services.scorer.__main__ import service as scorer_service
from spotted.client import EmbeddingSpec, Spotted
from spotted.survey import Camera, Detection, Survey
from tests.services.sampler.surveys import in_process as sampler_service
from tests.services.serving import running

SPEC = EmbeddingSpec(backbone_digest="b", preprocessing_digest="p", dimension=8)
COUNT = 12
CAMERAS = {f"c{i}": Camera(f"c{i}", x_m=1000.0 * i, y_m=0.0) for i in range(3)}
DETECTIONS = [Detection(f"d{i:02}", f"c{i % 3}", i * 5000.0, individual_id=f"a{i % 4}") for i in range(COUNT)]

# of six animals four photographs each: enough to learn a calibration from
KNOWN = [Detection(f"k{i:02}", f"c{i % 3}", i * 4000.0, individual_id=f"a{i % 6}") for i in range(24)]


def known_vectors() -> np.ndarray:
    rng = np.random.default_rng(1)
    look = rng.normal(size=(6, 8))
    return np.asarray(look[np.arange(24) % 6] + 0.5 * rng.normal(size=(24, 8)), dtype=np.float32)


def vectors() -> np.ndarray:
    rng = np.random.default_rng(0)
    look = rng.normal(size=(4, 8))
    return np.asarray(look[np.arange(COUNT) % 4] + 0.5 * rng.normal(size=(COUNT, 8)), dtype=np.float32)


@contextmanager
def serving(store: Store) -> Iterator[Spotted]:
    """A client of a scorer and a sampler."""
    with running(scorer_service(store)) as scorer:
        client = ScorerClient(scorer)
        with (
            running(sampler_service(store, client)) as sampler,
            Spotted(embedder=scorer, scorer=scorer, sampler=sampler) as spotted,
        ):
            yield spotted
        client.close()


def survey(survey_id: str) -> Survey:
    return Survey(survey_id, 0.0, 100_000.0, "a name", CAMERAS)
