from __future__ import annotations

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
from spotted.cli.connection import connect
from spotted.cli.remote import Remote
from spotted.errors import PreconditionError
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
        click.Context(main, obj=Remote("a:1", "b:2", "c:3")).scope(),
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


def test_a_token_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    addresses = ("--embedder", "a:1", "--scorer", "a:1", "--sampler", "a:1")
    code, _, err = run(*addresses, "--token-file", str(tmp_path / "none"), "match", "none")
    assert code == 3
    assert str(tmp_path / "none") in err


def test_a_token_does_not_cross_the_network_in_the_clear(token_file: Path) -> None:
    addresses = ("--embedder", "a:1", "--scorer", "a:1", "--sampler", "a:1")
    code, _, err = run(*addresses, "--token-file", str(token_file), "match", "none")
    assert code == 6
    assert "in the clear" in err
