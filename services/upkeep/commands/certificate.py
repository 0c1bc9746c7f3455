"""`spotted certificate create`: TLS certificates signed by a private authority."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import click

from spotted.errors import PreconditionError

CA, CA_KEY, CERTIFICATE, KEY = "ca.crt", "ca.key", "tls.crt", "tls.key"


@click.group()
def certificate() -> None:
    """Make certificates for TLS between clients and services."""


@certificate.command()
@click.option(
    "--output",
    "-o",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Directory of the files.",
)
@click.option(
    "--host",
    "hosts",
    multiple=True,
    default=("localhost", "127.0.0.1"),
    show_default=True,
    help="Host name or address of the services; can be repeated.",
)
@click.option(
    "--days", type=click.IntRange(min=1), default=90, show_default=True, help="Validity of the certificate."
)
def create(*, output: Path, hosts: tuple[str, ...], days: int) -> None:
    """Make tls.crt and tls.key, signed by the authority in the directory; it is created if missing.

    Run the command again to renew them; services read changed files automatically. Do not give ca.key to the
    services.
    """
    if find_spec("cryptography") is None:
        raise PreconditionError(
            "certificates need the package cryptography; install it with pip install 'spotted[operate]'"
        )
    # the other commands do not need cryptography
    from services.upkeep.certificates import Signed, create_authority, issue  # noqa: PLC0415

    output.mkdir(parents=True, exist_ok=True)
    if not _has_authority(output):
        authority = create_authority(days=10 * 365)
        _write(output / CA_KEY, authority.key, secret=True)
        _write(output / CA, authority.certificate)
    signer = Signed((output / CA).read_bytes(), (output / CA_KEY).read_bytes())
    signed = issue(signer, hosts, days=days)
    _write(output / KEY, signed.key, secret=True)
    _write(output / CERTIFICATE, signed.certificate)
    click.echo(
        f"wrote {CERTIFICATE}, {KEY} and {CA} to {output}, for {', '.join(hosts)}, valid for {days} days"
    )


def _has_authority(directory: Path) -> bool:
    """Whether the directory has an authority. Raises PreconditionError if one of its files is missing."""
    existing = [name for name in (CA, CA_KEY) if (directory / name).exists()]
    if len(existing) == 1:
        raise PreconditionError(
            f"{directory} has only {existing[0]} of {CA} and {CA_KEY}; restore the other file, since a new "
            "authority would not be trusted by existing clients, or use another directory"
        )
    return bool(existing)


def _write(path: Path, content: bytes, *, secret: bool = False) -> None:
    """Replace a file in one step, so that a service never reads half of it."""
    new = path.with_name(f"{path.name}.new")
    with os.fdopen(
        os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600 if secret else 0o644), "wb"
    ) as file:
        file.write(content)
    new.replace(path)
