from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest

from services.common.access.guard import Guard
from services.common.access.load import MOST_CALLS, SHARE
from services.common.server import SERVER_OPTIONS, serve
from services.common.settings import Security, Settings
from spotted.errors import PreconditionError, UnavailableError
from spotted.local import health, processes
from tests.services import forked
from tests.services.common.access.test_public_calls import CHECK, HEALTH
from tests.services.raw_http2 import half_sent
from tests.services.serving import running
from tests.waiting import PATIENCE_S

WATCH_NOTHING = "/spotted.v1.ScorerService/Nothing"


@pytest.fixture
def member(tmp_path: Path, store_url: str) -> processes.Member:
    started = processes.start_service(
        "scorer", tmp_path, processes.free_port(), store_url, "", {"SPOTTED_REFLECTION": "1"}
    )
    processes.wait(started, tmp_path / "scorer.log")
    return started


def test_a_service_that_is_asked_to_stop_drains_and_ends(member: processes.Member, tmp_path: Path) -> None:
    process = member.process()
    assert process is not None
    assert (
        "INSECURE: without SPOTTED_TLS_CERT and SPOTTED_TLS_KEY and SPOTTED_AUTH=tokens"
        in (tmp_path / "scorer.log").read_text()
    )
    process.terminate()
    assert process.wait(30) == 0
    assert (tmp_path / "scorer.log").read_text().rstrip().endswith("stopped")
    assert not health.serving(member.address)


def test_a_taken_port_is_reported_with_the_remedy() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        settings = Settings(listen=f"127.0.0.1:{holder.getsockname()[1]}")
        with pytest.raises(UnavailableError, match="SPOTTED_LISTEN"):
            asyncio.run(serve(settings, [], guard=Guard(None), open_store=lambda: None))


@pytest.mark.parametrize("security", [Security(), Security(tokens=True)])
def test_an_address_of_the_network_is_not_served_in_the_clear(security: Security) -> None:
    settings = Settings(listen="0.0.0.0:0", security=security)
    with pytest.raises(PreconditionError, match="is reachable from other machines"):
        asyncio.run(serve(settings, [], guard=Guard(None), open_store=lambda: None))


def with_option(name: str, value: int) -> list[tuple[str, int]]:
    assert name in dict(SERVER_OPTIONS)
    return [*{**dict(SERVER_OPTIONS), name: value}.items()]


def test_connections_beyond_the_limit_are_closed_and_leave_the_others() -> None:
    options = with_option("grpc.max_allowed_incoming_connections", 2)
    with running(HEALTH, server_options=options) as address, ExitStack() as opened:
        held = [opened.enter_context(half_sent(address)) for _ in range(2)]
        for client in held:
            client.until_settings()
        with pytest.raises(ConnectionError), half_sent(address) as refused:
            refused.until_settings()
        held[0].until_ended(held[0].call(WATCH_NOTHING))


def test_calls_of_one_connection_are_limited() -> None:
    options = with_option("grpc.max_concurrent_streams", 2)
    with running(HEALTH, server_options=options) as address, half_sent(address) as client:
        client.until_settings()
        assert client.most_streams == 2
        streams = [client.call(CHECK) for _ in range(3)]
        # refused at once, while the other two wait for their requests
        client.until_ended(streams[2])
        assert client.ended == {streams[2]}


def test_calls_beyond_those_of_a_token_are_refused_with_a_reason_before_grpc_resets_them() -> None:
    assert dict(SERVER_OPTIONS)["grpc.max_concurrent_streams"] >= 4 * SHARE * MOST_CALLS


def test_the_health_port_takes_only_small_requests(tmp_path: Path, store_url: str) -> None:
    port = processes.free_port()
    settings = {"SPOTTED_HEALTH_LISTEN": f"127.0.0.1:{port}"}
    started = forked.start_service("scorer", tmp_path, processes.free_port(), store_url, "", settings)
    processes.wait(started, tmp_path / "scorer.log")
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        check: Any = channel.unary_unary(CHECK)
        assert check(b"", timeout=PATIENCE_S)
        with pytest.raises(grpc.RpcError) as refused:
            check(bytes(5000), timeout=PATIENCE_S)
    assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    processes.end(started)
