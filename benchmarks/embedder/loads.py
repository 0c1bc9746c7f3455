"""Calls to a served embedder, a given number in flight, from one event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Self, TypeVar

from grpc import aio

from services.embedder.servicer import MAX_MESSAGE_BYTES
from spotted.v1 import embedder_pb2 as pb
from spotted.v1.embedder_pb2_grpc import EmbedderServiceStub

if TYPE_CHECKING:
    # known to the type checker only
    from spotted.v1.embedder_pb2_grpc import EmbedderServiceAsyncStub

ItemT = TypeVar("ItemT")

CHANNEL_OPTIONS = (("grpc.max_send_message_length", MAX_MESSAGE_BYTES),)


async def in_flight(
    items: Iterable[ItemT], call: Callable[[ItemT], Awaitable[object]], most: int
) -> list[float]:
    """Seconds of each call, with `most` calls in flight; the next starts when one is answered."""
    waiting, taken = iter(items), []

    async def one_after_another() -> None:
        for item in waiting:
            started_s = time.perf_counter()
            await call(item)
            taken.append(time.perf_counter() - started_s)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(most):
            tasks.create_task(one_after_another())
    return taken


class Client:
    """A channel to an embedder, and the event loop of the channel. Use it as a context manager."""

    def __init__(self, address: str) -> None:
        self._address = address
        self.runner = asyncio.Runner()

    def __enter__(self) -> Self:
        self.runner.run(self._open())
        return self

    def __exit__(self, *_: object) -> None:
        self.runner.run(self._channel.close())
        self.runner.close()

    def unary(self, files: Iterable[bytes], most: int) -> list[float]:
        """Seconds of each Embed call with one crop; raises the error of the first failed call."""
        return self.runner.run(in_flight(files, self._embed, most))

    def stream(self, files: Sequence[bytes], most: int) -> None:
        """Send all crops through one EmbedStream, with at most `most` of them unanswered."""
        self.stream_crops([pb.Crop(image=content) for content in files], most)

    def stream_crops(
        self, crops: Sequence[pb.Crop], most: int, preparation: pb.Preparation | None = None
    ) -> None:
        """Send crops with their others through one EmbedStream, at most `most` of them unanswered."""
        self.runner.run(self._stream(crops, most, preparation))

    def server_info(self) -> pb.GetServerInfoResponse:
        """The version, limits and models of the embedder."""
        return self.runner.run(self._server_info(0))

    def empty(self, count: int) -> list[float]:
        """Seconds of each of `count` GetServerInfo calls, one at a time."""
        return self.runner.run(in_flight(range(count), self._server_info, 1))

    async def _open(self) -> None:
        self._channel = aio.insecure_channel(self._address, options=CHANNEL_OPTIONS)
        self.stub: EmbedderServiceAsyncStub = EmbedderServiceStub(self._channel)
        await self._channel.channel_ready()

    async def _embed(self, content: bytes) -> None:
        response = await self.stub.Embed(pb.EmbedRequest(crops=[pb.Crop(image=content)]))
        _check(response.results[0])

    async def _server_info(self, _: int) -> pb.GetServerInfoResponse:
        return await self.stub.GetServerInfo(pb.GetServerInfoRequest())

    async def _stream(self, crops: Sequence[pb.Crop], most: int, preparation: pb.Preparation | None) -> None:
        room = asyncio.Semaphore(most)

        async def requests() -> AsyncIterator[pb.EmbedStreamRequest]:
            for i, crop in enumerate(crops):
                await room.acquire()
                request = pb.EmbedStreamRequest(crop=crop, preparation=preparation)
                request.crop.crop_id = str(i)
                for n, other in enumerate(request.crop.others):
                    other.crop_id = f"{i}-{n}"
                yield request

        answered = 0
        async for response in self.stub.EmbedStream(requests()):
            _check(response.result)
            answered += 1
            # the first answer of an image makes room for the next one
            if "-" not in response.result.crop_id:
                room.release()
        expected = sum(1 + len(crop.others) for crop in crops)
        if answered != expected:
            raise RuntimeError(f"{expected} crops got {answered} answers")


def _check(result: pb.EmbedResult) -> None:
    if result.WhichOneof("outcome") != "embedding":
        raise RuntimeError(f"a good crop was refused: {result.error.message}")
