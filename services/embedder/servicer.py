"""The embedder's rpcs: decode, call, encode."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from grpc import aio

from services.common.access import caller
from services.common.rpc import checks
from services.embedder import wire
from services.embedder.images.decoding import decode
from services.embedder.images.tones import Reference
from services.embedder.inference.calls import Embedders, NamedCrop, Outcome, embed_all, embed_one
from services.embedder.inference.ordered_stream import in_order
from services.embedder.training.trainings import Trainings
from spotted import messages
from spotted.v1 import embedder_pb2 as pb
from spotted.v1 import embedder_pb2_grpc

MAX_MESSAGE_BYTES = 32 * 1024 * 1024


class EmbedderServicer(embedder_pb2_grpc.EmbedderServiceServicer):
    """spotted.v1.EmbedderService."""

    def __init__(self, embedders: Embedders, trainings: Trainings) -> None:
        self._embedders = embedders
        self._trainings = trainings

    async def Embed(
        self, request: pb.EmbedRequest, context: aio.ServicerContext[pb.EmbedRequest, pb.EmbedResponse]
    ) -> pb.EmbedResponse:
        """Embed a few crops."""
        embedder = self._embedders.get(request.model_id)
        crops = wire.crops(request)
        way = await self._embedders.way(embedder, wire.wanted(request), bulk=False)
        outcomes = await embed_all(embedder, crops, way, context.time_remaining())
        return wire.embed_response(outcomes, wire.spec(embedder, way))

    async def EmbedStream(
        self,
        request_iterator: AsyncIterator[pb.EmbedStreamRequest],
        context: aio.ServicerContext[pb.EmbedStreamRequest, pb.EmbedStreamResponse],
    ) -> AsyncIterator[pb.EmbedStreamResponse]:
        """Embed any number of crops."""
        first = await anext(request_iterator, None)
        if first is None:
            return
        embedder = self._embedders.get(first.model_id)
        way = await self._embedders.way(embedder, wire.wanted(first), bulk=True)
        spec = wire.spec(embedder, way)

        async def crops() -> AsyncIterator[NamedCrop]:
            yield wire.named_crop(first.crop)
            async for request in request_iterator:
                yield wire.named_crop(request.crop)

        async def embed(crop: NamedCrop) -> Outcome:
            return await embed_one(embedder, crop, way, context.time_remaining())

        async for outcome in in_order(crops(), embed):
            yield wire.stream_response(outcome, spec)

    async def AddReferenceImage(
        self, request: pb.AddReferenceImageRequest, _: object
    ) -> pb.AddReferenceImageResponse:
        """Keep a reference image's histogram."""
        limit = min(e.max_pixels for e in self._embedders.all)
        organisation = caller.current_caller().organisation
        digest = await asyncio.to_thread(self._add_reference, request.image, limit, organisation)
        return pb.AddReferenceImageResponse(reference_digest=digest)

    async def ApplyHead(self, request: pb.ApplyHeadRequest, _: object) -> pb.ApplyHeadResponse:
        """Adapt base embeddings."""
        embeddings = wire.base_embeddings(request)
        owned = request.head_digest, caller.current_caller().organisation
        head = await asyncio.to_thread(self._embedders.stores.heads.get, *owned)
        adapted = await asyncio.to_thread(head.apply, embeddings)
        return pb.ApplyHeadResponse(embeddings=messages.tensor(adapted))

    async def TrainHead(self, request: pb.TrainHeadRequest, _: object) -> pb.TrainHeadResponse:
        """Begin a training."""
        survey_id = checks.survey_id(request.survey_id, "survey_id")
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
        return wire.server_info(
            self._embedders.all,
            self._embedders.default_model_id,
            self._embedders.segmenter,
            max_message_bytes=MAX_MESSAGE_BYTES,
        )

    def _add_reference(self, image: bytes, max_pixels: int, organisation: str) -> str:
        reference = Reference.of(decode(image, max_pixels=max_pixels))
        return self._embedders.stores.references.put(reference, organisation)
