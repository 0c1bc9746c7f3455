"""Real aio servers on loopback, in a thread of their own, for tests with real channels."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from grpc import aio

from services.common.interceptors import ErrorInterceptor
from services.common.server import MAX_MESSAGE_BYTES, SERVER_OPTIONS, Service


@contextmanager
def running(*services: Service, port: int = 0, max_receive_bytes: int = MAX_MESSAGE_BYTES) -> Iterator[str]:
    """Serve on a port, any free one for 0, while the context lasts; yields the address."""
    options = [*SERVER_OPTIONS, ("grpc.max_receive_message_length", max_receive_bytes)]
    started = threading.Event()
    stop: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
    address: list[str] = []

    async def serve() -> None:
        server = aio.server(interceptors=[ErrorInterceptor()], options=options)
        for service in services:
            service.register(server)
        address.append(f"127.0.0.1:{server.add_insecure_port(f'127.0.0.1:{port}')}")
        await server.start()
        ended = asyncio.Event()
        stop.append((asyncio.get_running_loop(), ended))
        started.set()
        await ended.wait()
        await server.stop(1.0)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert started.wait(30)
    try:
        yield address[0]
    finally:
        loop, ended = stop[0]
        loop.call_soon_threadsafe(ended.set)
        thread.join()
