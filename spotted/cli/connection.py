"""A client of the services that the command line names, or of those on this machine."""

from __future__ import annotations

from pathlib import Path

import click

from spotted.cli.remote import Remote
from spotted.client import Credentials, Spotted
from spotted.client.credentials import read_token


def connect(directory: Path) -> Spotted:
    """A client of the services named before the command, or else of those `spotted up` started here.

    directory: data directory of the local services.
    Raises PreconditionError if nothing was started there, InvalidInputError for an unreadable token file.
    """
    addresses = _remote().addresses
    if addresses is None:
        return connect_here(directory)
    embedder, scorer, sampler = addresses
    return Spotted(embedder=embedder, scorer=scorer, sampler=sampler, credentials=_credentials())


def connect_here(directory: Path) -> Spotted:
    """A client of the services that `spotted up` started. Raises as `connect`."""
    return Spotted.local(directory, credentials=_credentials())


def is_remote() -> bool:
    """Whether services were named before the command."""
    return _remote().addresses is not None


def _remote() -> Remote:
    remote: Remote | None = click.get_current_context().find_root().obj
    return remote or Remote()


def _credentials() -> Credentials:
    remote = _remote()
    token = read_token(remote.token_file, "--token-file")
    return Credentials(token, remote.ca, remote.certificate, remote.key)
