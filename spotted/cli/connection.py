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
    remote: Remote | None = click.get_current_context().find_root().obj
    if remote is None:
        return Spotted.local(directory)
    token = read_token(remote.token_file, "--token-file")
    return Spotted(
        embedder=remote.embedder,
        scorer=remote.scorer,
        sampler=remote.sampler,
        credentials=Credentials(token, remote.ca, remote.certificate, remote.key),
    )
