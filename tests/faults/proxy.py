"""A TCP proxy that fails on request: slow, silent, lossy, cut, reset or refusing."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import threading
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

CHUNK_BYTES = 64 * 1024
WAIT_S = 10.0
# a socket that is closed so sends a reset
ABORT = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Weather:
    """How bytes fare on their way, in both directions.

    delay_s: before each chunk; bytes_per_s: throughput of each direction, 0 any.
    silent: bytes are taken and never passed on, as by a host that is gone without a word.
    lost_share: chunks that come late by `resent_s`, as lost packets do, and all that follow with them.
    cut_after: bytes of a direction after which both ends are reset.
    """

    delay_s: float = 0.0
    bytes_per_s: float = 0.0
    silent: bool = False
    lost_share: float = 0.0
    resent_s: float = 0.2
    cut_after: int | None = None


CALM = Weather()


class Proxy:
    """Passes connections to a target on loopback while the context lasts, from a thread of its own."""

    def __init__(self, target: str) -> None:
        self.weather = CALM
        self._host, _, port = target.rpartition(":")
        self._target_port = int(port)
        self._open: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._random = random.Random(0)  # noqa: S311 - faults are drawn, not secrets
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy")
        self._listening: asyncio.Server | None = None
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self.accept()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.refuse()
        self._run(self._drain())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WAIT_S)
        self._loop.close()

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"{self._host}:{self.port}"

    def accept(self) -> None:
        """Listen, at the port that it had before."""
        self._run(self._listen())

    def refuse(self) -> None:
        """Listen no more, and reset what is open."""
        self._run(self._hang_up())

    def reset(self) -> None:
        """Reset open connections; new ones pass."""
        self._run(self._abort_all())

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(WAIT_S)

    async def _listen(self) -> None:
        self._listening = await asyncio.start_server(self._connected, self._host, self.port)
        self.port = self._listening.sockets[0].getsockname()[1]

    async def _hang_up(self) -> None:
        if self._listening is not None:
            for listening in self._listening.sockets:
                self._loop.remove_reader(listening.fileno())
            # who was just accepted gets a transport in the next step, which a closed server would leave open
            await asyncio.sleep(0)
            self._listening.close()
        await self._abort_all()

    async def _abort_all(self) -> None:
        for writer in list(self._open):
            abort(writer)

    async def _drain(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        # a task that was cancelled before it began has closed nothing
        await self._abort_all()
        # sockets are closed in the next step
        await asyncio.sleep(0)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        task = self._loop.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = [writer]
        try:
            there, back = await asyncio.open_connection(self._host, self._target_port)
            ends.append(back)
            self._open.add(back)
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        except OSError:
            # nothing listens there: the connection is reset
            pass
        finally:
            self._open -= {*ends}
            for end in ends:
                abort(end)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass bytes on until either end is gone."""
        passed = 0
        # whoever closes a direction is done with both here: neither the store nor gRPC half-closes
        with suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES):
                weather = self.weather
                if weather.silent:
                    continue
                await asyncio.sleep(self._wait_s(weather, len(chunk)))
                passed += len(chunk)
                if weather.cut_after is not None and passed > weather.cut_after:
                    break
                writer.write(chunk)
                await writer.drain()
        abort(writer)

    def _wait_s(self, weather: Weather, size: int) -> float:
        wait_s = weather.delay_s + (size / weather.bytes_per_s if weather.bytes_per_s else 0.0)
        lost = self._random.random() < weather.lost_share
        return wait_s + (weather.resent_s if lost else 0.0)


def abort(writer: asyncio.StreamWriter) -> None:
    """Reset a connection."""
    sock = writer.get_extra_info("socket")
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
    writer.transport.abort()
