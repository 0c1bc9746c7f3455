"""Connections of a load run's clients to the services: certificates, tokens and deadlines."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import grpc
from grpc import aio

from spotted.client.calls import CHANNEL_OPTIONS
from spotted.v1.embedder_pb2_grpc import EmbedderServiceStub
from spotted.v1.sampler_pb2_grpc import SamplerServiceStub
from spotted.v1.scorer_pb2_grpc import ScorerServiceStub

if TYPE_CHECKING:
    # known to the type checker only
    from spotted.v1.embedder_pb2_grpc import EmbedderServiceAsyncStub
    from spotted.v1.sampler_pb2_grpc import SamplerServiceAsyncStub
    from spotted.v1.scorer_pb2_grpc import ScorerServiceAsyncStub

DEADLINE_S = 30.0
# a target that lists addresses
ADDRESSES = "ipv4:"

RequestT = TypeVar("RequestT")
AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True, slots=True)
class Access:
    """Credentials of a client. ca: PEM of the authority of the services' certificates, None: no TLS.

    token: bearer token, "": none.
    """

    ca: bytes | None = None
    token: str = ""


@dataclass(frozen=True, slots=True)
class Targets:
    """Addresses of the replicas of each service, as gRPC targets."""

    embedder: str
    scorer: str
    sampler: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the services. work: may be repeated; done: called once at the end."""

    name: str
    work: Callable[[], Awaitable[None]]
    done: Callable[[], None] = lambda: None


class BrokenStreamError(Exception):
    """A stream of answers ended early, so that repeating the call would repeat answers."""


def open_channel(target: str, access: Access) -> aio.Channel:
    """A channel that takes the replicas in turn and repeats calls as the published configuration says."""
    if access.ca is None:
        return aio.insecure_channel(target, options=CHANNEL_OPTIONS)
    options = list(CHANNEL_OPTIONS)
    if target.startswith(ADDRESSES):
        # no certificate is for a list of addresses; the first address stands for all
        options.append(("grpc.default_authority", target.removeprefix(ADDRESSES).split(",")[0]))
    return aio.secure_channel(target, grpc.ssl_channel_credentials(access.ca), options=options)


def metadata(access: Access) -> tuple[tuple[str, str], ...]:
    """Metadata of every call."""
    return (("authorization", f"Bearer {access.token}"),) if access.token else ()


class Lines:
    """Open channels to the three services. Make it inside a running event loop."""

    def __init__(self, targets: Targets, access: Access) -> None:
        channels = [open_channel(t, access) for t in (targets.embedder, targets.scorer, targets.sampler)]
        self._channels: Sequence[aio.Channel] = channels
        self._metadata = metadata(access)
        self.embedder: EmbedderServiceAsyncStub = EmbedderServiceStub(channels[0])
        self.scorer: ScorerServiceAsyncStub = ScorerServiceStub(channels[1])
        self.sampler: SamplerServiceAsyncStub = SamplerServiceStub(channels[2])

    async def answer(
        self, call: aio.UnaryUnaryMultiCallable[RequestT, AnswerT], request: RequestT
    ) -> AnswerT:
        """The answer to one request."""
        return await call(request, timeout=DEADLINE_S, metadata=self._metadata)

    async def answers(
        self, call: aio.UnaryStreamMultiCallable[RequestT, AnswerT], request: RequestT
    ) -> list[AnswerT]:
        """All answers to one request. Raises BrokenStreamError if a stream ends early."""
        got: list[AnswerT] = []
        try:
            async for answer in call(request, timeout=DEADLINE_S, metadata=self._metadata):
                got.append(answer)  # noqa: PERF401 - what came before a failure decides what it means
        except aio.AioRpcError as error:
            if got:
                raise BrokenStreamError(f"{error.code().name} after {len(got)} answers") from error
            raise
        return got

    async def sent(
        self, call: aio.StreamUnaryMultiCallable[RequestT, AnswerT], requests: Sequence[RequestT]
    ) -> AnswerT:
        """The answer to a stream of requests."""
        return await call(iter(requests), timeout=DEADLINE_S, metadata=self._metadata)

    async def close(self) -> None:
        """Close the channels."""
        for channel in self._channels:
            await channel.close()
