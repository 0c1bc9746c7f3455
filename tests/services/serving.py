"""Real aio servers on loopback, in a thread of their own, for tests with real channels."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import grpc
from grpc import aio

from services.common.access.guard import Guard
from services.common.access.request_limits import limits_by_path
from services.common.rpc.errors import ErrorInterceptor
from services.common.rpc.message_sizes import MAX_MESSAGE_BYTES, options
from services.common.rpc.observer import WatchInterceptor
from services.common.server import SERVER_OPTIONS, Service
from tests.waiting import PATIENCE_S


@contextmanager
def running(
    *services: Service,
    port: int = 0,
    max_receive_bytes: int = MAX_MESSAGE_BYTES,
    guard: Guard | None = None,
    tls: grpc.ServerCredentials | None = None,
    server_options: Sequence[tuple[str, int]] = SERVER_OPTIONS,
) -> Iterator[str]:
    """Serve on a port, 0 for any free one, during the context; yields the address.

    guard: by default admits everyone. tls: None serves without TLS.
    """
    started = threading.Event()
    stop: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
    address: list[str] = []

    interceptors = [
        WatchInterceptor(),
        ErrorInterceptor(max_receive_bytes, limits_by_path(max_receive_bytes)),
        guard or Guard(None),
    ]

    async def serve() -> None:
        server = aio.server(interceptors=interceptors, options=[*server_options, *options(max_receive_bytes)])
        for service in services:
            service.register(server)
        wanted = f"127.0.0.1:{port}"
        bound = server.add_secure_port(wanted, tls) if tls else server.add_insecure_port(wanted)
        address.append(f"127.0.0.1:{bound}")
        await server.start()
        ended = asyncio.Event()
        stop.append((asyncio.get_running_loop(), ended))
        started.set()
        await ended.wait()
        await server.stop(1.0)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert started.wait(PATIENCE_S)
    try:
        yield address[0]
    finally:
        loop, ended = stop[0]
        loop.call_soon_threadsafe(ended.set)
        thread.join()
