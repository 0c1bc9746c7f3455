"""Run a service: bind, wait for the store, report SERVING, drain on SIGTERM."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import grpc
from grpc import aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from services.common.access.guard import Guard
from services.common.access.request_limits import limits_by_path
from services.common.access.tls import check_exposure, server_credentials
from services.common.memory import give_back_freed
from services.common.rpc import message_sizes
from services.common.rpc.errors import ErrorInterceptor
from services.common.rpc.message_sizes import MAX_MESSAGE_BYTES
from services.common.rpc.observer import WatchInterceptor
from services.common.settings import Settings
from services.common.telemetry import metrics
from spotted.errors import StoreUnavailableError, UnavailableError

# of one server, and calls of one connection: four times as many as one token may have open, so that calls
# beyond that are refused with a reason and a delay, and not reset by gRPC
MOST_CONNECTIONS, MOST_STREAMS = 1000, 2000
# SO_REUSEPORT is off: two servers on one port would each get half of the calls
SERVER_OPTIONS = (
    ("grpc.so_reuseport", 0),
    # detects clients that vanished, and lets clients send keepalive pings as often
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # what can be held before any call is checked: connections, their handshakes, calls of each
    ("grpc.max_allowed_incoming_connections", MOST_CONNECTIONS),
    ("grpc.server_handshake_timeout_ms", 10_000),
    ("grpc.max_connection_idle_ms", 900_000),
    ("grpc.max_concurrent_streams", MOST_STREAMS),
)
# the port for probes
PROBED_OPTIONS = (*SERVER_OPTIONS, ("grpc.max_receive_message_length", 4096))
# handlers wait for the store or compute outside the interpreter lock, so more threads than cores help
BODY_THREADS = 32
STORE_RETRY_S = 0.5
# health services for probes: whether the process runs, with or without the store, and whether it takes calls
LIVENESS, READINESS = "liveness", "readiness"

logger = logging.getLogger("spotted")


@dataclass(frozen=True, slots=True)
class Service:
    """A gRPC service."""

    full_name: str
    register: Callable[[aio.Server], None]
    """Adds it to a server."""
    further: tuple[str, ...] = ()
    """Full names of other services that are added with it."""

    @property
    def names(self) -> tuple[str, ...]:
        """All that is added."""
        return (self.full_name, *self.further)


async def serve(
    settings: Settings,
    services: Sequence[Service],
    *,
    guard: Guard,
    open_store: Callable[[], None],
    close: Callable[[], None] = lambda: None,
    max_receive_bytes: int = MAX_MESSAGE_BYTES,
) -> None:
    """Serve until SIGTERM or SIGINT, then let running calls finish.

    guard: checks who may call.
    open_store: checks the store; repeated while it raises StoreUnavailableError, so that services can be
        started in any order. Health reports NOT_SERVING until it succeeds.
    close: called after the last call has ended.
    max_receive_bytes: largest message accepted.
    Raises UnavailableError if an address cannot be bound, PreconditionError if the address needs TLS and
    tokens, InvalidInputError for an invalid certificate, and other errors of `open_store`.
    """
    check_exposure(settings)
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(BODY_THREADS))
    stop = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    checks = health.aio.HealthServicer()
    servers = _servers(settings, services, checks, guard, max_receive_bytes)
    # the health servicer reports SERVING by default
    await _set_health(checks, services, serving=False)
    for server in servers:
        await server.start()
    if settings.metrics_listen:
        metrics.serve(settings.metrics_listen)
    logger.info("listening on %s", settings.listen)
    giving_back = asyncio.create_task(give_back_freed())
    try:
        if await _wait_for_store(open_store, stop):
            await _set_health(checks, services, serving=True)
            logger.info("serving")
            await stop.wait()
        await _set_health(checks, services, serving=False)
        # load balancers see NOT_SERVING before connections close
        await asyncio.sleep(settings.propagation_s)
    finally:
        # the health server stops last
        for server in servers:
            await server.stop(settings.drain_s)
        giving_back.cancel()
        close()
        logger.info("stopped")


def _servers(
    settings: Settings,
    services: Sequence[Service],
    checks: health.aio.HealthServicer,
    guard: Guard,
    max_receive_bytes: int,
) -> list[aio.Server]:
    """The server for calls and, if configured, a second one only for health."""
    limits = limits_by_path(max_receive_bytes)
    server = aio.server(
        # the guard comes last, so that its errors become statuses too
        interceptors=[WatchInterceptor(), ErrorInterceptor(max_receive_bytes, limits), guard],
        options=[*_options(settings), *message_sizes.options(max_receive_bytes)],
    )
    for service in services:
        service.register(server)
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    if settings.reflection:
        names = [name for s in services for name in s.names] + [health.SERVICE_NAME, reflection.SERVICE_NAME]
        reflection.enable_server_reflection(names, server)
    _bind(server, settings.listen, "SPOTTED_LISTEN", server_credentials(settings.security))
    if not settings.health_listen:
        return [server]
    # within the same bounds, if on a connection of its own
    probed = aio.server(interceptors=[ErrorInterceptor(), Guard(None)], options=PROBED_OPTIONS)
    health_pb2_grpc.add_HealthServicer_to_server(checks, probed)
    _bind(probed, settings.health_listen, "SPOTTED_HEALTH_LISTEN", None)
    return [server, probed]


def _options(settings: Settings) -> list[tuple[str, int]]:
    if not settings.connection_age_s:
        return [*SERVER_OPTIONS]
    age_ms, grace_ms = int(settings.connection_age_s * 1000), int(settings.drain_s * 1000)
    ages = [("grpc.max_connection_age_ms", age_ms), ("grpc.max_connection_age_grace_ms", grace_ms)]
    return [*SERVER_OPTIONS, *ages]


def _bind(
    server: aio.Server, address: str, variable: str, credentials: grpc.ServerCredentials | None
) -> None:
    """Listen on an address. Raises UnavailableError if that is not possible."""
    try:
        if credentials is None:
            server.add_insecure_port(address)
        else:
            server.add_secure_port(address, credentials)
    except RuntimeError as error:
        raise UnavailableError(
            f"cannot listen on {address}; another process may use the port: stop it, or set {variable} to "
            "another address"
        ) from error


async def _wait_for_store(open_store: Callable[[], None], stop: asyncio.Event) -> bool:
    """Whether the store was opened before the process was stopped."""
    logged = False
    while not stop.is_set():
        try:
            await asyncio.to_thread(open_store)
        except StoreUnavailableError as error:
            if not logged:
                logger.warning("waiting for the store: %s", error)
            logged = True
            await asyncio.sleep(STORE_RETRY_S)
        else:
            return True
    return False


async def _set_health(
    checks: health.aio.HealthServicer, services: Sequence[Service], *, serving: bool
) -> None:
    kind = health_pb2.HealthCheckResponse
    status = kind.SERVING if serving else kind.NOT_SERVING
    for full_name in ("", READINESS, *(name for s in services for name in s.names)):
        await checks.set(full_name, status)
    await checks.set(LIVENESS, kind.SERVING)
