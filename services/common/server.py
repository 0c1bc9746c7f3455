"""One way to run a service: bind, wait for the store, say SERVING, drain on SIGTERM."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from grpc import aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from services.common import metrics
from services.common.interceptors import ErrorInterceptor
from services.common.settings import Settings
from spotted.errors import StoreUnavailableError, UnavailableError

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
# two servers on one port would each get half of the calls
SERVER_OPTIONS = (
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.so_reuseport", 0),
)
# rpc bodies wait for the store or compute outside the interpreter lock, so more threads than cores help
BODY_THREADS = 32
STORE_RETRY_S = 0.5
# clients behind a load balancer see NOT_SERVING before connections close
PROPAGATION_S = 0.2

logger = logging.getLogger("spotted")
ItemT = TypeVar("ItemT")


@dataclass(frozen=True, slots=True)
class Service:
    """One gRPC service to be served: its full name, and how to add it to a server."""

    full_name: str
    register: Callable[[aio.Server], None]


async def in_thread(items: Iterator[ItemT]) -> AsyncIterator[ItemT]:
    """Draw from a generator in a thread, so that its work never blocks the event loop."""
    end = object()
    while (item := await asyncio.to_thread(next, items, end)) is not end:
        yield item  # type: ignore[misc] # only the sentinel is not an item


async def serve(
    settings: Settings,
    services: Sequence[Service],
    *,
    open_store: Callable[[], None],
    close: Callable[[], None] = lambda: None,
    max_receive_bytes: int = MAX_MESSAGE_BYTES,
) -> None:
    """Serve until SIGTERM or SIGINT, then let running calls finish.

    open_store: checks the store; repeated while it raises StoreUnavailableError, so that services may
    be started in any order. Until it passes, health says NOT_SERVING.
    close: called once no call runs any more.
    max_receive_bytes: largest message accepted.
    Raises UnavailableError where the address cannot be bound, and what `open_store` raises otherwise.
    """
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(BODY_THREADS))
    stop = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    server, checks = _build(settings, services, max_receive_bytes)
    # the stock servicer says SERVING until it is told otherwise
    await _set_health(checks, services, serving=False)
    await server.start()
    logger.info("listening on %s", settings.listen)
    try:
        if await _wait_for_store(open_store, stop):
            await _set_health(checks, services, serving=True)
            logger.info("serving")
            await stop.wait()
        await _set_health(checks, services, serving=False)
        await asyncio.sleep(PROPAGATION_S)
    finally:
        await server.stop(settings.drain_s)
        close()
        logger.info("stopped")


def _build(
    settings: Settings, services: Sequence[Service], max_receive_bytes: int
) -> tuple[aio.Server, health.aio.HealthServicer]:
    server = aio.server(
        interceptors=[ErrorInterceptor()],
        options=[*SERVER_OPTIONS, ("grpc.max_receive_message_length", max_receive_bytes)],
    )
    for service in services:
        service.register(server)
    checks = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    if settings.reflection:
        names = [s.full_name for s in services] + [health.SERVICE_NAME, reflection.SERVICE_NAME]
        reflection.enable_server_reflection(names, server)
    if settings.metrics_port is not None:
        metrics.serve(settings.metrics_port, settings.listen.rsplit(":", 1)[0])
    try:
        server.add_insecure_port(settings.listen)
    except RuntimeError as error:
        raise UnavailableError(
            f"cannot listen on {settings.listen}; another process may hold the port: stop it, or set "
            "SPOTTED_LISTEN"
        ) from error
    return server, checks


async def _wait_for_store(open_store: Callable[[], None], stop: asyncio.Event) -> bool:
    """Whether the store was opened before the process was told to stop."""
    told = False
    while not stop.is_set():
        try:
            await asyncio.to_thread(open_store)
        except StoreUnavailableError as error:
            if not told:
                logger.warning("waiting for the store: %s", error)
            told = True
            await asyncio.sleep(STORE_RETRY_S)
        else:
            return True
    return False


async def _set_health(
    checks: health.aio.HealthServicer, services: Sequence[Service], *, serving: bool
) -> None:
    kind = health_pb2.HealthCheckResponse
    status = kind.SERVING if serving else kind.NOT_SERVING
    for full_name in ("", *(s.full_name for s in services)):
        await checks.set(full_name, status)
