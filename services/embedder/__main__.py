"""`python -m services.embedder`: build the embedder and serve it."""

from __future__ import annotations

import os
from collections.abc import Mapping

import joblib
from grpc import aio

from services.common import process
from services.common.access.guard import guard_for
from services.common.server import Service, serve
from services.common.settings import Settings
from services.common.store.store import Store
from services.common.survey.heads import HeadStore
from services.embedder.images.references import ReferenceStore
from services.embedder.images.segmenting import load_segmenter
from services.embedder.inference.backbones import load_backbone
from services.embedder.inference.calls import Embedders, Stores
from services.embedder.inference.image_embedder import ImageEmbedder, limits_for
from services.embedder.operations_servicer import OperationsServicer
from services.embedder.servicer import MAX_MESSAGE_BYTES, EmbedderServicer
from services.embedder.training.operations import Operations
from services.embedder.training.trainings import Trainings
from spotted.v1.embedder_pb2_grpc import add_EmbedderServiceServicer_to_server
from spotted.v1.operations_pb2_grpc import add_OperationsServiceServicer_to_server


def services(store: Store, embedders: Embedders, environment: Mapping[str, str]) -> list[Service]:
    """EmbedderService and OperationsService over a store and loaded backbones."""
    operations = Operations(store, now=store.now)
    embedder = EmbedderServicer(embedders, Trainings(store, operations, environment))

    def register_embedder(server: aio.Server) -> None:
        add_EmbedderServiceServicer_to_server(embedder, server)

    def register_operations(server: aio.Server) -> None:
        add_OperationsServiceServicer_to_server(OperationsServicer(operations), server)

    return [
        Service("spotted.v1.EmbedderService", register_embedder),
        Service("spotted.v1.OperationsService", register_operations),
    ]


def load(settings: Settings, store: Store) -> Embedders:
    """Load and warm up the backbones; the first is the default. Raises NotFoundError, PreconditionError."""
    workers = settings.workers or joblib.cpu_count()
    embedders = []
    for model_id in settings.model_ids:
        backbone = load_backbone(settings.models, model_id, device=settings.device)
        backbone.warm_up()
        embedders.append(ImageEmbedder(backbone, limits_for(backbone, workers)))
    segmenter = load_segmenter(settings.segmenter) if settings.segmenter else None
    stores = Stores(HeadStore(store), ReferenceStore(store))
    return Embedders(embedders, settings.model_ids[0], stores, segmenter)


async def run(settings: Settings) -> None:
    """Serve until a signal stops the process."""
    store = Store(settings.store_url)
    embedders = load(settings, store)
    environment = {**os.environ, "SPOTTED_STORE_URL": settings.store_url}
    await serve(
        settings,
        services(store, embedders, environment),
        guard=guard_for(settings, store),
        open_store=store.open,
        close=store.close,
        max_receive_bytes=MAX_MESSAGE_BYTES,
    )
    await embedders.close()


if __name__ == "__main__":
    process.main("embedder", run)
