from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from benchmarks.embedder.posting import Connections, StatusError

Answer = Callable[[bytes], bytes]


def _plain(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body[::-1])


def _chunked(body: bytes) -> bytes:
    half = len(body) // 2
    parts = [body[::-1][:half], body[::-1][half:], b""]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks


def _refusal(_: bytes) -> bytes:
    return b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy"


async def _with_server(answer: Answer, use: Callable[[int], Awaitable[list[bytes]]]) -> list[bytes]:
    """The result of `use` with the port of a server that answers each body this way."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            writer.write(answer(await reader.readexactly(length)))

    ended = asyncio.Event()

    async def until_left(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            await serve(reader, writer)
        writer.close()
        await writer.wait_closed()
        ended.set()

    async with await asyncio.start_server(until_left, "127.0.0.1", 0) as server:
        try:
            return await use(server.sockets[0].getsockname()[1])
        finally:
            await ended.wait()


@pytest.mark.parametrize("answer", [_plain, _chunked])
def test_bodies_come_back_whole_over_kept_connections(answer: Answer) -> None:
    bodies = [b"first", b"second" * 30_000, b"third"]

    async def use(port: int) -> list[bytes]:
        async with Connections(port, 1) as connections:
            return [await connections.post("/predict", body) for body in bodies]

    assert asyncio.run(_with_server(answer, use)) == [body[::-1] for body in bodies]


def test_another_status_than_ok_is_an_error_with_its_words() -> None:
    async def use(port: int) -> list[bytes]:
        async with Connections(port, 1) as connections:
            return [await connections.post("/predict", b"body")]

    with pytest.raises(StatusError, match="503 Service Unavailable: busy"):
        asyncio.run(_with_server(_refusal, use))
