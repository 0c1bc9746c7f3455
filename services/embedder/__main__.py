"""`python -m services.embedder`: build the embedder and serve it."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping

import joblib
from grpc import aio

from services.common import process
from services.common.access.guard import guard_for
from services.common.memory import ANSWERS_BYTES, MIB, memory_limit_bytes, resident_bytes
from services.common.server import Service, serve
from services.common.settings import Settings
from services.common.store.operations import Operations
from services.common.store.store import Store
from services.common.survey.heads import HeadStore
from services.common.vectors import open_joined, open_vector_blocks
from services.embedder.counting import CountedReports
from services.embedder.images.local_extraction import load_extractors
from services.embedder.images.segmenting import load_segmenter
from services.embedder.images.separate_process import PROCESS_BYTES
from services.embedder.inference.backbones import load_backbone
from services.embedder.inference.calls import Embedders
from services.embedder.inference.decoding_budget import RESERVED_PART, DecodingBudget, decoding_bytes
from services.embedder.inference.image_embedder import MOST_QUEUED_BYTES, ImageEmbedder, limits_for
from services.embedder.inference.stored import Stores
from services.embedder.operations_servicer import OperationsServicer
from services.embedder.references import ReferenceStore
from services.embedder.servicer import MAX_MESSAGE_BYTES, EmbedderServicer
from services.embedder.training.trainings import Trainings
from spotted.v1.embedder_pb2_grpc import add_EmbedderServiceServicer_to_server
from spotted.v1.operations_pb2_grpc import add_OperationsServiceServicer_to_server

# all queues together take at most this part of the memory limit
QUEUED_PART = 12

logger = logging.getLogger("spotted")


def services(store: Store, embedders: Embedders, environment: Mapping[str, str]) -> list[Service]:
    """EmbedderService and OperationsService over a store and loaded backbones."""
    operations = Operations(store, now=store.now)
    embedder = EmbedderServicer(embedders, Trainings(store, environment))

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
    reports = CountedReports()
    backbones = [load_backbone(settings.models, name, device=settings.device) for name in settings.model_ids]
    for backbone in backbones:
        backbone.warm_up()
    segmenter = (
        load_segmenter(settings.segmenter, threads=workers, reports=reports) if settings.segmenter else None
    )
    if segmenter:
        segmenter.warm_up()
    extractors = load_extractors(settings.models)
    limit_bytes = memory_limit_bytes(percent=settings.memory_percent)
    queue_bytes = min(MOST_QUEUED_BYTES, limit_bytes // (QUEUED_PART * len(backbones)))
    costly = max(1, workers // 2)
    process_bytes = PROCESS_BYTES + (segmenter.needs.bytes if segmenter else 0)
    held_bytes = resident_bytes() + costly * process_bytes
    room = decoding_bytes(
        limit_bytes,
        held_bytes=held_bytes,
        queue_bytes=queue_bytes * len(backbones),
        wanted_mib=settings.memory_mib,
    )
    logger.info(
        "memory: limit %d MiB, %d MiB to decode images, %d MiB for queued ones, up to %d more processes for "
        "costly images",
        *(count // MIB for count in (limit_bytes, room, queue_bytes * len(backbones))),
        costly,
    )
    budget = DecodingBudget(room, costly=costly, reports=reports)
    embedders = [
        ImageEmbedder(b, limits_for(b, workers, max_queue_bytes=queue_bytes), budget=budget, reports=reports)
        for b in backbones
    ]
    stores = Stores(HeadStore(store), ReferenceStore(store))
    return Embedders(embedders, settings.model_ids[0], stores, segmenter, extractors)


async def run(settings: Settings) -> None:
    """Serve until a signal stops the process."""
    process.give_back_arrays()
    blocks = open_vector_blocks(settings.vector_blocks, settings.object_store_settings)
    store = Store(settings.store_url, blocks=blocks)
    embedders = load(settings, store)
    environment = {**os.environ, "SPOTTED_STORE_URL": settings.store_url}
    limit_bytes = memory_limit_bytes(percent=settings.memory_percent)
    answers_bytes = min(ANSWERS_BYTES, int(RESERVED_PART * limit_bytes))
    await serve(
        settings,
        services(store, embedders, environment),
        guard=guard_for(settings, store, answers_bytes=answers_bytes),
        open_store=lambda: open_joined(store, blocks),
        close=store.close,
        max_receive_bytes=MAX_MESSAGE_BYTES,
    )
    await embedders.close()


if __name__ == "__main__":
    process.main("embedder", run)
