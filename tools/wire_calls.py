"""Calls of `fuzz_wire`: every rpc by its descriptor, mutated requests, and what is wrong with answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType, TracebackType
from typing import Any, Self

import grpc
import numpy as np
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2
from grpc import aio
from grpc_health.v1 import health_pb2

from spotted.v1 import catalogue_pb2, embedder_pb2, operations_pb2, sampler_pb2, scorer_pb2
from tools.wire_mutations import damaged, mutate, pick
from tools.wire_requests import IDS, drawn

# role -> modules of the services that it serves
SERVED: Mapping[str, Sequence[ModuleType]] = {
    "embedder": (embedder_pb2, operations_pb2, health_pb2),
    "scorer": (scorer_pb2, catalogue_pb2, health_pb2),
    "sampler": (sampler_pb2, health_pb2),
}
# what a machine under load may take for any of these small requests
PATIENCE_S = 60.0
# rpcs that stream until the caller has seen enough
WATCHES, WATCH_S = "Watch", 0.2
# a machine under load may leave this process itself waiting
SLACK_S = 30.0
MOST_ANSWERS = 100
# as they are, mutated in their fields; the rest is damaged in its bytes
AS_DRAWN, MUTATED = 0.35, 0.8
HURRIED, GIVEN_UP, ANNOTATED = 0.03, 0.02, 0.05
# what the services answer on purpose, always with ErrorInfo
REASONED = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    }
)
FOREIGN = frozenset({grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNIMPLEMENTED})
# of the client's own: the answer came while requests were still written
UNSENT = "Internal error from Core"
GRPC_SAYS = ("Received message larger than max", UNSENT)
DETAILS_KEY = "grpc-status-details-bin"
METADATA: Sequence[tuple[str, str | bytes]] = (
    ("authorization", "Bearer nothing"),
    ("x-request-id", "r" * 2000),
    ("x-request-id", '"}\\n{"level":"x'),
    ("traceparent", "00-zz-zz-01"),
    ("grpc-encoding-bin", b"\xff\0"),
)


@dataclass(frozen=True, slots=True)
class Rpc:
    """One rpc of one service. kind, answer: classes of its messages."""

    role: str
    method: str
    kind: Descriptor
    answer: Descriptor
    sends_many: bool
    answers_many: bool

    @property
    def shape(self) -> str:
        """As grpc names it, such as unary_stream."""
        return f"{'stream' if self.sends_many else 'unary'}_{'stream' if self.answers_many else 'unary'}"

    @property
    def foreign(self) -> bool:
        """Whether it is one of gRPC's own, such as those of health."""
        return self.method.startswith("/grpc.")

    @property
    def watches(self) -> bool:
        """Whether it answers until the caller hangs up."""
        return self.method.rsplit("/", 1)[-1].startswith(WATCHES)


@dataclass(frozen=True, slots=True)
class Call:
    """A call: the bytes of its requests, and the deadline."""

    rpc: Rpc
    contents: tuple[bytes, ...]
    timeout_s: float = PATIENCE_S
    gives_up: bool = False
    metadata: tuple[tuple[str, str | bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a call; fault: a message, "" if nothing is wrong."""

    code: grpc.StatusCode
    seconds: float
    fault: str


def rpcs() -> list[Rpc]:
    """Every rpc of every service."""
    return [
        Rpc(
            role,
            f"/{service.full_name}/{method.name}",
            method.input_type,
            method.output_type,
            method.client_streaming,
            method.server_streaming,
        )
        for role, modules in SERVED.items()
        for module in modules
        for service in module.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    ]


def call(seed: int, number: int, among: Sequence[Rpc]) -> Call:
    """The call of this number, the same for the same seed."""
    rng = np.random.default_rng((seed, number))
    rpc = pick(rng, among)
    if rpc.foreign:
        # gRPC's own rpcs, three of each, get a small share
        rpc = pick(rng, among)
    count = pick(rng, (0, 1, 1, 2, 3, 5)) if rpc.sends_many else 1
    contents = tuple(_content(rpc.kind, rng) for _ in range(count))
    timeout_s = WATCH_S if rpc.watches else PATIENCE_S
    if rng.random() < HURRIED:
        timeout_s = float(rng.uniform(0.001, 0.02))
    gives_up = bool(rng.random() < GIVEN_UP)
    metadata = (pick(rng, METADATA),) if rng.random() < ANNOTATED else ()
    return Call(rpc, contents, timeout_s, gives_up, metadata)


def _content(kind: Descriptor, rng: np.random.Generator) -> bytes:
    message, way = drawn(kind, rng), rng.random()
    for _ in range(int(rng.integers(1, 4)) if way > AS_DRAWN else 0):
        mutate(message, rng, IDS)
    content = message.SerializeToString()
    return damaged(content, rng) if way > MUTATED else content


class Caller:
    """Channels to the services, over which bytes go as they are. addresses: by role."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._channels = {
            role: aio.insecure_channel(
                address, options=[("grpc.max_receive_message_length", 64 << 20), ("grpc.enable_retries", 0)]
            )
            for role, address in addresses.items()
        }

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for channel in self._channels.values():
            await channel.close()

    async def send(self, call: Call) -> Answer:
        """Send a call and judge its answer."""
        begun = time.perf_counter()
        try:
            contents = await self._contents(call)
        except aio.AioRpcError as error:
            seconds = time.perf_counter() - begun
            unsent = (error.details() or "").startswith(UNSENT)
            code = grpc.StatusCode.CANCELLED if unsent else error.code()
            return Answer(code, seconds, _late(call, seconds) or _refusal_fault(call, error))
        except asyncio.CancelledError:
            # as Core does if the answer comes while requests are still written
            if not (call.gives_up or call.rpc.sends_many):
                raise
            return Answer(grpc.StatusCode.CANCELLED, time.perf_counter() - begun, "")
        seconds = time.perf_counter() - begun
        return Answer(grpc.StatusCode.OK, seconds, _late(call, seconds) or _content_fault(call, contents))

    async def _contents(self, call: Call) -> list[bytes]:
        make: Any = getattr(self._channels[call.rpc.role], call.rpc.shape)
        sent = _each(call.contents) if call.rpc.sends_many else call.contents[0]
        under_way = make(call.rpc.method)(sent, timeout=call.timeout_s, metadata=call.metadata)
        if call.gives_up:
            await asyncio.sleep(0)
            under_way.cancel()
        if not call.rpc.answers_many:
            return [await under_way]
        answers: list[bytes] = []
        async for answer in under_way:
            answers.append(answer)
            if len(answers) == MOST_ANSWERS:
                under_way.cancel()
                break
        return answers


async def _each(contents: Sequence[bytes]) -> AsyncIterator[bytes]:
    for content in contents:
        yield content


def _late(call: Call, seconds: float) -> str:
    return f"answered after {seconds:.1f} s" if seconds > call.timeout_s + SLACK_S else ""


def _content_fault(call: Call, contents: Sequence[bytes]) -> str:
    kind = GetMessageClass(call.rpc.answer)
    try:
        for content in contents:
            kind.FromString(content)
    except DecodeError as error:
        return f"the answer is no {call.rpc.answer.name}: {error}"
    return ""


def _refusal_fault(call: Call, error: aio.AioRpcError) -> str:
    code, details = error.code(), error.details() or ""
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return "no answer in time" if call.timeout_s == PATIENCE_S else ""
    if code is grpc.StatusCode.CANCELLED:
        return "" if call.gives_up else f"CANCELLED: {details}"
    # gRPC's own: for a request above the limit, and for what its own services lack
    if details.startswith(GRPC_SAYS) or (call.rpc.foreign and code in FOREIGN):
        return ""
    if code not in REASONED:
        return f"{code.name}: {details}"
    return "" if _reason(error) else f"{code.name} without ErrorInfo: {details}"


def _reason(error: aio.AioRpcError) -> str:
    for key, content in error.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(content, bytes):
            for packed in status_pb2.Status.FromString(content).details:
                info = error_details_pb2.ErrorInfo()
                if packed.Unpack(info):
                    return str(info.reason)
    return ""
