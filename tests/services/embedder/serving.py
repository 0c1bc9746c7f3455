"""The embedder and the scorer as real servers over one store, with a small survey."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from services.common.store.store import Store
from services.common.survey.heads import HeadStore
from services.embedder.__main__ import services as embedder_services
from services.embedder.images.local_extraction import load_extractors
from services.embedder.inference.backbones import Backbone
from services.embedder.inference.calls import Embedders
from services.embedder.inference.decoding_budget import DecodingBudget
from services.embedder.inference.image_embedder import ImageEmbedder, limits_for
from services.embedder.inference.stored import Stores
from services.embedder.references import ReferenceStore
from services.embedder.servicer import MAX_MESSAGE_BYTES
from services.scorer.__main__ import service as scorer_service
from spotted.client import Spotted
from spotted.client.survey_messages import embedding_spec
from spotted.survey import Camera, Detection, Survey
from spotted.v1 import survey_pb2
from tests.services.serving import running

SPEC = survey_pb2.EmbeddingSpec(backbone_digest="b", preprocessing_digest="p", dimension=12)
COUNT = 24


@contextmanager
def serving(
    store: Store, *backbones: Backbone, budget: DecodingBudget | None = None, models: Path = Path("nosuch")
) -> Iterator[Spotted]:
    """A client of both.

    budget: memory for decoding; None: the default. models: directory of local methods with networks.
    """
    stores = Stores(HeadStore(store), ReferenceStore(store))
    loaded = [ImageEmbedder(one, limits_for(one, 2), budget=budget) for one in backbones]
    embedders = Embedders(loaded, "efficientnet-lite0", stores, extractors=load_extractors(models))
    environment = {**os.environ, "SPOTTED_STORE_URL": store.url}
    with (
        running(
            *embedder_services(store, embedders, environment), max_receive_bytes=MAX_MESSAGE_BYTES
        ) as address,
        running(scorer_service(store, models=models)) as scorer,
        Spotted(embedder=address, scorer=scorer, sampler=scorer) as spotted,
    ):
        yield spotted


def add_survey(spotted: Spotted, survey_id: str, count: int = COUNT) -> None:
    """A survey at four cameras, with vectors drawn at random."""
    rng = np.random.default_rng(0)
    cameras = {f"c{i}": Camera(f"c{i}", x_m=2000.0 * i, y_m=0.0) for i in range(4)}
    survey = spotted.create_survey(Survey(survey_id, 0.0, 200_000.0, cameras=cameras))
    detections = [Detection(f"d{i:02}", f"c{i % 4}", i * 5000.0) for i in range(count)]
    survey.add_detections(detections, rng.normal(size=(count, 12)).astype(np.float32), embedding_spec(SPEC))
