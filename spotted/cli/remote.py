"""Options that name services on other machines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import click

from spotted.errors import PreconditionError

CommandT = TypeVar("CommandT", bound=Callable[..., object])
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
# these variables differ from the services' own settings, which `spotted up` passes on
OPTIONS = (
    click.option(
        "--embedder", envvar="SPOTTED_EMBEDDER", help="Embedder address, e.g. embedder.example.org:7101."
    ),
    click.option("--scorer", envvar="SPOTTED_SCORER", help="Scorer address, e.g. scorer.example.org:7102."),
    click.option(
        "--sampler", envvar="SPOTTED_SAMPLER", help="Sampler address, e.g. sampler.example.org:7103."
    ),
    click.option("--token-file", type=FILE, envvar="SPOTTED_TOKEN", help="File that contains your token."),
    click.option(
        "--ca", type=FILE, envvar="SPOTTED_CA", help="Certificate authority of the services, PEM file."
    ),
    click.option("--cert", type=FILE, envvar="SPOTTED_CERT", help="Your client certificate, PEM file."),
    click.option("--key", type=FILE, envvar="SPOTTED_KEY", help="Private key of --cert, PEM file."),
)


@dataclass(frozen=True, slots=True)
class Remote:
    """Addresses of the three services, and the files that authenticate you."""

    addresses: tuple[str, str, str] | None = None
    """Embedder, scorer and sampler address; None for the services on this machine."""

    token_file: Path | None = None
    """File that contains the bearer token, None for services without tokens."""

    ca: Path | None = None
    """Certificate authority of the services, None for no TLS."""

    certificate: Path | None = None
    """Client certificate, if the services ask for one."""

    key: Path | None = None
    """Its private key."""


def connection_options(command: CommandT) -> CommandT:
    """Add the options that name services on other machines; environment variables may set them too."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def require_all(embedder: str | None, scorer: str | None, sampler: str | None) -> tuple[str, str, str] | None:
    """The three addresses, None if none is given.

    Raises PreconditionError if only some are given.

    >>> require_all("a:7101", "a:7102", "a:7103")
    ('a:7101', 'a:7102', 'a:7103')
    >>> require_all(None, None, None)
    """
    if embedder and scorer and sampler:
        return embedder, scorer, sampler
    if embedder or scorer or sampler:
        raise PreconditionError(
            "services on other machines need all three addresses; give --embedder, --scorer and --sampler"
        )
    return None
