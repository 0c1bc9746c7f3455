"""The embedder's rpcs: decode, call, encode."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from grpc import aio

from services.common.access.caller import current_caller
from services.common.rpc import checks
from services.embedder import heat_wire, recipes, wire
from services.embedder.inference.calls import Embedders
from services.embedder.inference.heat_maps import compare_crops
from services.embedder.training.trainings import Trainings
from spotted import messages
from spotted.v1 import embedder_pb2 as pb
from spotted.v1 import embedder_pb2_grpc

MAX_MESSAGE_BYTES = 32 * 1024 * 1024


def _organisation() -> str:
    return current_caller().organisation


class EmbedderServicer(embedder_pb2_grpc.EmbedderServiceServicer):
    """spotted.v1.EmbedderService."""

    def __init__(self, embedders: Embedders, trainings: Trainings) -> None:
        self._embedders = embedders
        self._trainings = trainings

    async def Embed(
        self, request: pb.EmbedRequest, context: aio.ServicerContext[pb.EmbedRequest, pb.EmbedResponse]
    ) -> pb.EmbedResponse:
        """Embed a few crops."""
        options, images = wire.embed_request(request)
        call = await self._embedders.open_call(options, bulk=False, organisation=_organisation())
        results = await call.embed_all(images, context.time_remaining())
        return wire.embed_response(results, call)

    async def EmbedStream(
        self,
        request_iterator: AsyncIterator[pb.EmbedStreamRequest],
        context: aio.ServicerContext[pb.EmbedStreamRequest, pb.EmbedStreamResponse],
    ) -> AsyncIterator[pb.EmbedStreamResponse]:
        """Embed any number of crops."""
        stream = await wire.embed_stream(request_iterator)
        if stream is None:
            return
        options, images = stream
        call = await self._embedders.open_call(options, bulk=True, organisation=_organisation())
        results = call.embed_stream(images, context.time_remaining)
        async for response in wire.stream_responses(results, call):
            yield response

    async def AddReferenceImage(
        self, request: pb.AddReferenceImageRequest, _: object
    ) -> pb.AddReferenceImageResponse:
        """Store the histograms of a reference image."""
        digest = await self._embedders.add_reference(request.image, _organisation())
        return pb.AddReferenceImageResponse(reference_digest=digest)

    async def ApplyHead(self, request: pb.ApplyHeadRequest, _: object) -> pb.ApplyHeadResponse:
        """Adapt base embeddings."""
        embeddings = wire.base_embeddings(request)
        adapted = await self._embedders.apply_head(request.head_digest, embeddings, _organisation())
        return pb.ApplyHeadResponse(embeddings=messages.tensor(adapted))

    async def GetHeatMap(
        self,
        request: pb.GetHeatMapRequest,
        context: aio.ServicerContext[pb.GetHeatMapRequest, pb.GetHeatMapResponse],
    ) -> pb.GetHeatMapResponse:
        """Say which parts of two crops make their vectors alike."""
        options, crops, most = heat_wire.heat_map_request(request)
        call = await self._embedders.open_call(options, bulk=False, organisation=_organisation())
        found = await compare_crops(call, crops, context.time_remaining(), most=most)
        return heat_wire.heat_map_response(found, call)

    async def TrainHead(self, request: pb.TrainHeadRequest, _: object) -> pb.TrainHeadResponse:
        """Begin a training."""
        survey_id = checks.survey_id(request.survey_id, "survey_id")
        job = recipes.job(request)
        operation = await asyncio.to_thread(self._trainings.begin, survey_id, job, request.request_id)
        return pb.TrainHeadResponse(operation=operation)

    async def ListModels(self, request: pb.ListModelsRequest, _: object) -> pb.ListModelsResponse:
        """List the loaded backbones."""
        size = checks.page_size(request.page_size, default=100, largest=100)
        page, token = checks.page(self._embedders.all, size, request.page_token, "models")
        return pb.ListModelsResponse(models=[wire.model(e) for e in page], next_page_token=token)

    async def GetServerInfo(self, _: pb.GetServerInfoRequest, __: object) -> pb.GetServerInfoResponse:
        """Report limits, models and version."""
        return wire.server_info(
            self._embedders.all,
            self._embedders.default_model_id,
            self._embedders.segmenter,
            self._embedders.extractors,
            max_message_bytes=MAX_MESSAGE_BYTES,
        )
