from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from services.common.access.guard import Guard
from services.common.server import serve
from services.common.settings import Security, Settings
from spotted.errors import PreconditionError, UnavailableError
from spotted.local import processes


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
    assert not processes.serving(member.address)


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
