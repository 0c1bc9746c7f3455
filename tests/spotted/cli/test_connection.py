from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from services.common.access.caller import SEES_POSITIONS
from services.common.access.guard import Guard
from services.common.access.tokens import KnownCallers, Tokens
from services.common.store.store import Store
from services.scorer.__main__ import service
from spotted.cli import main
from spotted.cli.connection import connect, connect_here
from spotted.cli.remote import Remote
from spotted.client import Spotted
from spotted.errors import NotFoundError, PreconditionError
from spotted.local import processes
from tests.services.serving import running


@pytest.fixture
def token_file(store: Store, tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(Tokens(store).create(organisation="reserve", role=SEES_POSITIONS)[1] + "\n")
    return path


def run(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(main, list(arguments))
    return done.exit_code, done.stdout, done.stderr


def test_a_command_reaches_remote_services_with_a_token(store: Store, token_file: Path) -> None:
    guard = Guard(KnownCallers(Tokens(store)))
    with running(service(store), guard=guard) as address:
        remote = ("--embedder", address, "--scorer", address, "--sampler", address)
        code, _, err = run(*remote, "match", "none")
        assert "has no token" in err
        code, _, err = run(*remote, "--token-file", str(token_file), "match", "none")
        assert code == 4
        assert "survey 'none' does not exist" in err


def test_the_client_has_the_addresses_of_the_command_line(tmp_path: Path) -> None:
    with (
        click.Context(main, obj=Remote(("a:1", "b:2", "c:3"))).scope(),
        connect(tmp_path) as spotted,
    ):
        connection = spotted.connection
        addresses = [one.address for one in (connection.embedder, connection.scorer, connection.sampler)]
    assert addresses == ["a:1", "b:2", "c:3"]


def test_without_addresses_the_local_services_are_meant(tmp_path: Path) -> None:
    with click.Context(main).scope(), pytest.raises(PreconditionError, match="spotted up"):
        connect(tmp_path)


def test_some_addresses_without_the_others_are_refused() -> None:
    code, _, err = run("--scorer", "127.0.0.1:1", "match", "none")
    assert code == 6
    assert "--sampler" in err


ADDRESSES = ("--embedder", "a:1", "--scorer", "a:1", "--sampler", "a:1")


@pytest.mark.parametrize("option", ["--token-file", "--ca", "--cert", "--key"])
@pytest.mark.parametrize("addresses", [(), ADDRESSES], ids=["local", "remote"])
def test_a_file_that_does_not_exist_is_refused(
    addresses: tuple[str, ...], option: str, tmp_path: Path
) -> None:
    code, _, err = run(*addresses, option, str(tmp_path / "nope"), "match", "none")
    assert code == 2
    assert f"Invalid value for '{option}'" in err
    assert "does not exist" in err


def test_a_token_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(b"\xff\xfe")
    code, _, err = run(*ADDRESSES, "--token-file", str(tmp_path / "token"), "match", "none")
    assert code == 3
    assert "is not a token file" in err


@pytest.mark.parametrize("make", [connect, connect_here])
def test_local_services_get_the_token_too(
    make: Callable[[Path], Spotted], store: Store, token_file: Path, tmp_path: Path
) -> None:
    guard = Guard(KnownCallers(Tokens(store)))
    with running(service(store), guard=guard) as address:
        started = [
            processes.Member(role, int(address.rpartition(":")[2]), 1, 0.0) for role in processes.SERVICES
        ]
        processes._write(processes.LocalRun(tmp_path, tuple(started)))
        with (
            click.Context(main, obj=Remote(token_file=token_file)).scope(),
            make(tmp_path) as spotted,
            pytest.raises(NotFoundError),
        ):
            spotted.survey("none").info()


def test_a_token_does_not_cross_the_network_in_the_clear(token_file: Path) -> None:
    addresses = ("--embedder", "a:1", "--scorer", "a:1", "--sampler", "a:1")
    code, _, err = run(*addresses, "--token-file", str(token_file), "match", "none")
    assert code == 6
    assert "in the clear" in err
