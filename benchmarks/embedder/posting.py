"""A cheap HTTP/1.1 client: persistent connections, with one POST at a time on each."""

from __future__ import annotations

import asyncio
import io
from contextlib import suppress
from typing import Self

from PIL import Image

LARGEST_HEAD = 64 * 1024
OK = 200


def _probe_file() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "JPEG")
    return stream.getvalue()


# a JPEG file that every server can embed
PROBE = _probe_file()


class StatusError(Exception):
    """A response other than 200 OK."""


class Connections:
    """Open connections to one port of this machine. Use it as an async context manager."""

    def __init__(self, port: int, count: int) -> None:
        self._port = port
        self._count = count
        self._free: asyncio.LifoQueue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.LifoQueue()

    async def __aenter__(self) -> Self:
        for _ in range(self._count):
            self._free.put_nowait(await asyncio.open_connection("127.0.0.1", self._port, limit=LARGEST_HEAD))
        return self

    async def __aexit__(self, *_: object) -> None:
        while not self._free.empty():
            await _close(self._free.get_nowait()[1])

    async def post(self, path: str, body: bytes) -> bytes:
        """The body of the response. Raises StatusError, IncompleteReadError if the server hangs up."""
        reader, writer = await self._free.get()
        writer.write(
            b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\n"
            b"Content-Length: %d\r\n\r\n" % (path.encode(), len(body))
        )
        writer.write(body)
        try:
            return await _answer(reader)
        finally:
            self._free.put_nowait((reader, writer))


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    # the server may have closed it first
    with suppress(ConnectionError):
        await writer.wait_closed()


async def _answer(reader: asyncio.StreamReader) -> bytes:
    status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if "content-length" in headers:
        body = await reader.readexactly(int(headers["content-length"]))
    else:
        body = await _chunks(reader)
    if int(status.split()[1]) != OK:
        raise StatusError(f"{status}: {body[:300].decode(errors='replace')}")
    return body


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    chunks = []
    while size := int(await reader.readuntil(b"\r\n"), 16):
        chunks.append(await reader.readexactly(size))
        await reader.readexactly(2)
    await reader.readexactly(2)
    return b"".join(chunks)
