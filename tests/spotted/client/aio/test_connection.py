from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from spotted.client.aio.bridge import run
from spotted.client.aio.connection import AsyncConnection
from spotted.client.aio.spotted import AsyncSpotted
from spotted.client.credentials import Credentials
from spotted.client.values import EmbeddingSpec
from spotted.errors import NotFoundError, PreconditionError, SpottedError, UnavailableError
from spotted.survey import Detection
from spotted.testing import fake_services
from tests.spotted.client.test_spotted_rpcs import CALLS, recording

NOBODY_LISTENS = "127.0.0.1:1"


def test_every_rpc_is_called_through_channels_of_asyncio() -> None:
    async def call_all(address: str, called: list[str]) -> None:
        async with AsyncSpotted(embedder=address, scorer=address, sampler=address) as spotted:
            assert isinstance(spotted.handle.connection, AsyncConnection)
            for rpc, call in CALLS.items():
                called.clear()
                await run(call, spotted.handle)
                assert called == [rpc]

    with recording() as (blocking, called):
        asyncio.run(call_all(blocking.connection.scorer.address, called))


def test_errors_are_those_of_the_services() -> None:
    async def ask(address: str) -> None:
        async with AsyncSpotted(embedder=address, scorer=address, sampler=address) as spotted:
            with pytest.raises(NotFoundError, match="nosuch"):
                await spotted.survey("nosuch").info()
            with pytest.raises(NotFoundError, match="nosuch"):
                [one async for one in spotted.survey("nosuch").detections()]

    with fake_services() as blocking:
        asyncio.run(ask(blocking.connection.scorer.address))


def test_a_closed_client_and_a_service_that_is_away_are_named() -> None:
    async def ask() -> None:
        spotted = AsyncSpotted(embedder=NOBODY_LISTENS, scorer=NOBODY_LISTENS, sampler=NOBODY_LISTENS)
        with pytest.raises(UnavailableError, match=r"127\.0\.0\.1:1"):
            await spotted.survey("a").info()
        await spotted.close()
        with pytest.raises(PreconditionError, match="was closed"):
            await spotted.survey("a").info()

    asyncio.run(ask())


def test_a_stream_ends_with_the_task_that_reads_it() -> None:
    ended: list[bool] = []

    def endless(_: object) -> Iterator[Any]:
        from spotted.v1 import sampler_pb2  # noqa: PLC0415 - only here

        try:
            while True:
                yield sampler_pb2.WatchProgressResponse()
        finally:
            ended.append(True)

    async def read(address: str) -> None:
        async with AsyncSpotted(embedder=address, scorer=address, sampler=address) as spotted:
            async for _ in spotted.survey("a").session("m").watch_progress():
                break

    with fake_services({"WatchProgress": endless}) as blocking:
        asyncio.run(read(blocking.connection.scorer.address))


def test_an_error_of_what_is_sent_is_raised_and_nothing_is_stored() -> None:
    def events() -> Iterator[Any]:
        raise LookupError("no such file")
        yield

    async def send(address: str) -> None:
        async with AsyncSpotted(embedder=address, scorer=address, sampler=address) as spotted:
            with pytest.raises(LookupError, match="no such file"):
                await spotted.survey("a").import_session("m", events())

    with fake_services() as blocking:
        asyncio.run(send(blocking.connection.scorer.address))


def test_each_caller_has_a_token_of_its_own_over_the_same_channels() -> None:
    async def ask() -> None:
        spotted = AsyncSpotted(embedder=NOBODY_LISTENS, scorer=NOBODY_LISTENS, sampler=NOBODY_LISTENS)
        anna = spotted.as_caller("spotted_anna")
        first, second = spotted.handle.connection, anna.handle.connection
        assert isinstance(first, AsyncConnection)
        assert isinstance(second, AsyncConnection)
        assert first._channels is second._channels
        assert second.scorer._headers(object()) == (("authorization", "Bearer spotted_anna"),)  # type: ignore[attr-defined] # of asyncio
        assert first.scorer._headers(object()) == ()  # type: ignore[attr-defined] # of asyncio
        await spotted.close()

    asyncio.run(ask())


def test_a_token_does_not_cross_the_network_in_the_clear() -> None:
    async def ask() -> None:
        address = "10.1.2.3:7102"
        spotted = AsyncSpotted(embedder=address, scorer=address, sampler=address)
        with pytest.raises(PreconditionError, match="in the clear"):
            spotted.as_caller("spotted_anna")
        with pytest.raises(PreconditionError, match="in the clear"):
            AsyncSpotted(
                embedder=address, scorer=address, sampler=address, credentials=Credentials("spotted_anna")
            )
        await spotted.close()

    asyncio.run(ask())


def test_what_is_added_in_blocks_is_read_back() -> None:
    vectors = np.eye(300, 4, dtype=np.float32) + 0.1
    detections = [Detection(f"d{n:03}") for n in range(300)]

    async def add(address: str) -> list[str]:
        async with AsyncSpotted(embedder=address, scorer=address, sampler=address) as spotted:
            survey = spotted.survey("a")
            added = await survey.add_detections(detections, vectors, EmbeddingSpec("b", "p", 4))
            assert added.added == 300
            return [one.detection_id async for one in survey.detections()]

    with fake_services() as blocking:
        from spotted.survey import Survey  # noqa: PLC0415 - only here

        blocking.create_survey(Survey("a", 0.0, 1.0))
        found = asyncio.run(add(blocking.connection.scorer.address))
    assert found == [d.detection_id for d in detections]
    assert issubclass(NotFoundError, SpottedError)
