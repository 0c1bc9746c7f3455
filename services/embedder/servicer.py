"""The embedder's rpcs: decode, call, encode."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from grpc import aio

from services.common import wire as checks
from services.common.heads import HeadStore
from services.embedder import wire
from services.embedder.embedding import Embedders, as_ready, embed_all, embed_one
from services.embedder.training import Trainings
from spotted import messages
from spotted.v1 import embedder_pb2 as pb
from spotted.v1 import embedder_pb2_grpc

MAX_MESSAGE_BYTES = 32 * 1024 * 1024


class EmbedderServicer(embedder_pb2_grpc.EmbedderServiceServicer):
    """spotted.v1.EmbedderService."""

    def __init__(self, embedders: Embedders, heads: HeadStore, trainings: Trainings) -> None:
        self._embedders = embedders
        self._heads = heads
        self._trainings = trainings

    async def Embed(
        self, request: pb.EmbedRequest, context: aio.ServicerContext[pb.EmbedRequest, pb.EmbedResponse]
    ) -> pb.EmbedResponse:
        """Embed a few crops."""
        embedder = self._embedders.get(request.model_id)
        outcomes = await embed_all(embedder, wire.crops(request), context.time_remaining())
        return wire.embed_response(outcomes, embedder)

    async def EmbedStream(
        self,
        request_iterator: AsyncIterator[pb.EmbedStreamRequest],
        context: aio.ServicerContext[pb.EmbedStreamRequest, pb.EmbedStreamResponse],
    ) -> AsyncIterator[pb.EmbedStreamResponse]:
        """Embed any number of crops."""
        first = await anext(request_iterator, None)
        embedder = self._embedders.get(first.model_id if first else "")

        async def crops() -> AsyncIterator[wire.NamedCrop]:
            if first is not None:
                yield wire.named_crop(first.crop)
            async for request in request_iterator:
                yield wire.named_crop(request.crop)

        async def embed(crop: wire.NamedCrop) -> wire.Outcome:
            return await embed_one(embedder, crop, context.time_remaining(), patient=True)

        async for outcome in as_ready(crops(), embed):
            yield wire.stream_response(outcome, embedder)

    async def ApplyHead(self, request: pb.ApplyHeadRequest, _: object) -> pb.ApplyHeadResponse:
        """Adapt base embeddings."""
        embeddings = wire.base_embeddings(request)
        head = await asyncio.to_thread(self._heads.get, request.head_digest)
        adapted = await asyncio.to_thread(head.apply, embeddings)
        return pb.ApplyHeadResponse(embeddings=messages.tensor(adapted))

    async def TrainHead(self, request: pb.TrainHeadRequest, _: object) -> pb.TrainHeadResponse:
        """Begin a training."""
        survey_id = checks.slug(request.survey_id, "survey_id")
        recipe = wire.recipe(request.recipe)
        operation = await asyncio.to_thread(self._trainings.begin, survey_id, recipe, request.request_id)
        return pb.TrainHeadResponse(operation=operation)

    async def ListModels(self, request: pb.ListModelsRequest, _: object) -> pb.ListModelsResponse:
        """List the loaded backbones."""
        size = checks.page_size(request.page_size, default=100, largest=100)
        page, token = checks.page(self._embedders.all, size, request.page_token, "models")
        return pb.ListModelsResponse(models=[wire.model(e) for e in page], next_page_token=token)

    async def GetServerInfo(self, _: pb.GetServerInfoRequest, __: object) -> pb.GetServerInfoResponse:
        """Tell limits, models and version."""
        return wire.server_info(self._embedders.all, self._embedders.default_model_id, MAX_MESSAGE_BYTES)
