from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from spotted.cli.remote import connection_options, require_all
from spotted.errors import PreconditionError


@pytest.mark.parametrize("given", [("a", None, None), (None, "a", "b"), ("a", "b", "")])
def test_some_addresses_without_the_others_are_refused(
    given: tuple[str | None, str | None, str | None],
) -> None:
    with pytest.raises(PreconditionError, match="--embedder, --scorer and --sampler"):
        require_all(*given)


def test_all_addresses_or_none_are_accepted() -> None:
    assert require_all("a", "b", "c") == ("a", "b", "c")
    assert require_all(None, None, None) is None


def test_the_environment_names_services_too(tmp_path: Path) -> None:
    @click.command()
    @connection_options
    def command(**options: str | Path | None) -> None:
        click.echo(f"{options['scorer']} {options['token_file']}")

    token = tmp_path / "mine.token"
    token.touch()
    environment = {"SPOTTED_SCORER": "scorer:1", "SPOTTED_TOKEN": str(token)}
    assert CliRunner().invoke(command, env=environment).output == f"scorer:1 {token}\n"
    assert CliRunner().invoke(command, ["--scorer", "b:2"], env=environment).output == f"b:2 {token}\n"
