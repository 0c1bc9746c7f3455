"""Which services the commands talk to: those of this machine, or others with a token and TLS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from spotted.client import Credentials, Spotted
from spotted.client.credentials import read_token
from spotted.errors import PreconditionError

CommandT = TypeVar("CommandT", bound=Callable[..., object])
FILE = click.Path(dir_okay=False, path_type=Path)
# the variables are others than those of the services, which `spotted up` hands on
OPTIONS = (
    click.option("--embedder", envvar="SPOTTED_EMBEDDER", help="Address of an embedder elsewhere."),
    click.option("--scorer", envvar="SPOTTED_SCORER", help="Of its scorer, such as scorer.example.org:7102."),
    click.option("--sampler", envvar="SPOTTED_SAMPLER", help="Of its sampler."),
    click.option("--token-file", type=FILE, envvar="SPOTTED_TOKEN", help="File that holds your token."),
    click.option("--ca", type=FILE, envvar="SPOTTED_CA", help="Who signed their certificates, PEM."),
    click.option("--cert", type=FILE, envvar="SPOTTED_CERT", help="Your certificate, PEM."),
    click.option("--key", type=FILE, envvar="SPOTTED_KEY", help="Its key, PEM."),
)


def connection_options(command: CommandT) -> CommandT:
    """Add what names services elsewhere; each may be set in the environment instead."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def remote(
    embedder: str | None, scorer: str | None, sampler: str | None, credentials: Callable[[], Credentials]
) -> Callable[[], Spotted] | None:
    """How to reach the services that are named, None where none is.

    Raises PreconditionError where some are named and others are not.
    """
    if embedder and scorer and sampler:
        return lambda: Spotted(embedder=embedder, scorer=scorer, sampler=sampler, credentials=credentials())
    if embedder or scorer or sampler:
        raise PreconditionError(
            "services elsewhere need all three addresses; give --embedder, --scorer and --sampler"
        )
    return None


def read_credentials(
    token_file: Path | None, ca: Path | None, certificate: Path | None, key: Path | None
) -> Credentials:
    """What the options say. Raises InvalidInputError for a token that cannot be read."""
    return Credentials(read_token(token_file, "--token-file"), ca, certificate, key)


def connected(directory: Path) -> Spotted:
    """A client of the services that the command line names, or else of what `spotted up` started."""
    elsewhere: Callable[[], Spotted] | None = click.get_current_context().find_root().obj
    return Spotted.local(directory) if elsewhere is None else elsewhere()
