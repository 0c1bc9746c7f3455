"""Hostile streams and floods: calls that stop, are not read, never end, come too fast or are too large.

held_s: how long such a call stays open.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from functools import partial
from typing import Any

from grpc import aio

from spotted.v1 import embedder_pb2, sampler_pb2, scorer_pb2
from spotted.v1.embedder_pb2_grpc import EmbedderServiceStub
from spotted.v1.sampler_pb2_grpc import SamplerServiceStub
from spotted.v1.scorer_pb2_grpc import ScorerServiceStub
from tools.attack.bystanders import fill
from tools.attack.outcomes import BreachError
from tools.attack.site import CALL_S, Site

MIB = 1 << 20
# the embedder takes messages of 32 MiB
SENT, WHOLE = 31 * MIB, 32 * MIB - 4096
OPTIONS = [
    # a connection for each channel, as from other machines
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_retries", 0),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
]
SURVEY, DETECTIONS = "streams", 1500
CHUNK = 1 << 16
AT_ONCE = 100
UNFORESEEN = frozenset({"INTERNAL", "UNKNOWN", "DATA_LOSS", "UNIMPLEMENTED"})

Header = tuple[tuple[str, str | bytes], ...]
Counts = Counter[str]


def stop_within_messages(site: Site, count: int, *, held_s: float) -> str:
    """Send 31 of 32 MiB and stop, half of the callers without a token."""
    known = _header(site.token("stopping")[1])

    async def run() -> Counts:
        async with stopping_after(SENT, site.addresses["embedder"]) as address:
            calls = [_stopped(address, known if number % 2 else None, held_s) for number in range(count)]
            return await _all(calls)

    return _judged(asyncio.run(run()))


def leave_unread(site: Site, count: int, *, held_s: float) -> str:
    """Ask for matrices and read nothing."""
    token = site.token("unread")[1]
    with site.client(token) as client:
        fill(client, SURVEY, detections=DETECTIONS)

    async def ask() -> str:
        async with _channel(site.addresses["scorer"]) as channel:
            request = scorer_pb2.GetScoreMatrixRequest(survey_id=SURVEY)
            call = ScorerServiceStub(channel).GetScoreMatrix(request, metadata=_header(token))
            return await _held(call, held_s)

    return _judged(asyncio.run(_all([ask() for _ in range(count)])))


def stay_silent(site: Site, count: int, *, held_s: float) -> str:
    """Begin streams of requests, and send nothing, or one message, and nothing more."""
    header = _header(site.token("silent")[1])

    add = scorer_pb2.AddDetectionsRequest(survey_id="none")
    imported = sampler_pb2.ImportSessionRequest(survey_id="none", session_id="none")
    crop = embedder_pb2.EmbedStreamRequest(crop=embedder_pb2.Crop(image=b"no image"))
    begun: list[tuple[str, Callable[[aio.Channel], Any], object]] = [
        ("scorer", lambda channel: ScorerServiceStub(channel).AddDetections, add),
        ("sampler", lambda channel: SamplerServiceStub(channel).ImportSession, imported),
        ("embedder", lambda channel: EmbedderServiceStub(channel).EmbedStream, crop),
    ]

    async def at_most_one(message: object | None) -> AsyncIterator[object]:
        if message is not None:
            yield message
        await asyncio.sleep(held_s)

    async def hold(number: int) -> str:
        role, rpc, first = begun[number % len(begun)]
        message = first if number % 2 else None
        async with _channel(site.addresses[role]) as channel:
            return await _held(rpc(channel)(at_most_one(message), metadata=header), held_s)

    return _judged(asyncio.run(_all([hold(number) for number in range(count)])))


def send_too_much(site: Site, count: int) -> str:
    """Messages above the limit of each service, which are refused with a reason."""
    header = _header(site.token("large")[1])

    async def send(number: int) -> str:
        if number % 10 == 0:
            async with _channel(site.addresses["embedder"]) as channel:
                crop = embedder_pb2.Crop(image=bytes(33 * MIB))
                call = EmbedderServiceStub(channel).Embed(
                    embedder_pb2.EmbedRequest(crops=[crop]), metadata=header
                )
                return await _status(call)
        async with _channel(site.addresses["scorer"]) as channel:
            request = scorer_pb2.ListSurveysRequest(page_token="x" * (5 * MIB))
            return await _status(ScorerServiceStub(channel).ListSurveys(request, metadata=header))

    counts = asyncio.run(_in_turn([partial(send, n) for n in range(count)], at_once=16))
    if set(counts) - {"INVALID_ARGUMENT", "RESOURCE_EXHAUSTED"}:
        raise BreachError(f"messages above the limit were answered {dict(counts)}")
    return _judged(counts)


def flood(site: Site, count: int) -> str:
    """Calls without a pause from one token, as many at once as it can."""
    header = _header(site.token("flood")[1])

    async def run() -> Counts:
        async with (
            _channel(site.addresses["scorer"]) as scorer,
            _channel(site.addresses["sampler"]) as sampler,
        ):
            surveys, sessions = ScorerServiceStub(scorer), SamplerServiceStub(sampler)
            list_surveys, list_sessions = (
                scorer_pb2.ListSurveysRequest(),
                sampler_pb2.ListSessionsRequest(survey_id="none"),
            )

            def call(number: int) -> Awaitable[str]:
                if number % 2:
                    return _status(sessions.ListSessions(list_sessions, metadata=header, timeout=CALL_S))
                return _status(surveys.ListSurveys(list_surveys, metadata=header, timeout=CALL_S))

            return await _in_turn([partial(call, n) for n in range(count)], at_once=AT_ONCE)

    return _judged(asyncio.run(run()))


def flood_with_unknown_tokens(site: Site, count: int) -> str:
    """Calls with tokens of the right form that no store knows."""

    async def run() -> Counts:
        async with _channel(site.addresses["scorer"]) as channel:
            stub = ScorerServiceStub(channel)

            def call(number: int) -> Awaitable[str]:
                header = _header(f"spotted_{number:016x}_{'x' * 43}")
                return _status(stub.ListSurveys(scorer_pb2.ListSurveysRequest(), metadata=header))

            return await _in_turn([partial(call, n) for n in range(count)], at_once=2 * AT_ONCE)

    counts = asyncio.run(run())
    if set(counts) != {"UNAUTHENTICATED"}:
        raise BreachError(f"unknown tokens were answered {dict(counts)}")
    return _judged(counts)


@asynccontextmanager
async def stopping_after(most: int, target: str) -> AsyncIterator[str]:
    """The address of a way to a service that carries `most` bytes to it for each connection, then none."""
    host, _, port = target.rpartition(":")

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, left: int) -> None:
        with suppress(ConnectionError):
            while left > 0 and (chunk := await reader.read(min(CHUNK, left))):
                left -= len(chunk)
                writer.write(chunk)
                await writer.drain()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # a connection that comes while the server ends is cancelled
        with suppress(asyncio.CancelledError), closing(writer):
            behind_reader, behind_writer = await asyncio.open_connection(host, int(port))
            with closing(behind_writer):
                back = asyncio.create_task(carry(behind_reader, writer, 1 << 40))
                await carry(reader, behind_writer, most)
                await back

    server = await asyncio.start_server(connected, host, 0)
    async with server:
        yield f"{host}:{server.sockets[0].getsockname()[1]}"


async def _stopped(address: str, header: Header | None, held_s: float) -> str:
    async with _channel(address) as channel:
        crop = embedder_pb2.Crop(image=bytes(WHOLE))
        request = embedder_pb2.EmbedRequest(crops=[crop])
        return await _status(EmbedderServiceStub(channel).Embed(request, metadata=header, timeout=held_s))


async def _held(call: Any, held_s: float) -> str:  # noqa: ANN401 - any call
    """The status of a call that is left open for a while; OPEN if it did not end."""
    with suppress(TimeoutError, asyncio.CancelledError, aio.AioRpcError):
        await asyncio.wait_for(asyncio.shield(call.code()), held_s)
    status = (await call.code()).name if call.done() else "left open"
    call.cancel()
    return status


async def _status(call: Any) -> str:  # noqa: ANN401 - any call
    try:
        await call
    except aio.AioRpcError as error:
        return error.code().name
    return "OK"


async def _all(calls: list[Any]) -> Counts:
    return Counter(await asyncio.gather(*calls))


async def _in_turn(calls: list[Callable[[], Awaitable[str]]], *, at_once: int) -> Counts:
    waiting, counts = iter(calls), Counter[str]()

    async def work() -> None:
        for call in waiting:
            counts[await call()] += 1

    await asyncio.gather(*(work() for _ in range(at_once)))
    return counts


def _channel(address: str) -> aio.Channel:
    return aio.insecure_channel(address, options=OPTIONS)


def _header(token: str) -> Header:
    return (("authorization", f"Bearer {token}"),)


def _judged(counts: Counts) -> str:
    if UNFORESEEN & set(counts):
        raise BreachError(f"calls ended {dict(counts)}")
    return f"{counts.total()} calls: " + ", ".join(f"{n} {what}" for what, n in counts.most_common())
