"""`spotted certificate create`: files for TLS where there is no authority of certificates yet."""

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
    "--output", "-o", type=click.Path(file_okay=False, path_type=Path), required=True, help="Directory."
)
@click.option(
    "--host",
    "hosts",
    multiple=True,
    default=("localhost", "127.0.0.1"),
    show_default=True,
    help="Name or address under which the services are called; may be repeated.",
)
@click.option(
    "--days", type=click.IntRange(min=1), default=90, show_default=True, help="How long it is valid."
)
def create(*, output: Path, hosts: tuple[str, ...], days: int) -> None:
    """Make tls.crt and tls.key, signed by the authority in the directory, which is made where there is none.

    Run it again to renew them: services read the files again by themselves. Keep ca.key away from them.
    """
    if find_spec("cryptography") is None:
        raise PreconditionError("certificates need the package cryptography; pip install 'spotted[operate]'")
    # only here: the other commands do without
    from services.upkeep.certificates import Signed, authority, issued  # noqa: PLC0415

    output.mkdir(parents=True, exist_ok=True)
    if not _has_authority(output):
        made = authority(days=10 * 365)
        _write(output / CA_KEY, made.key, secret=True)
        _write(output / CA, made.certificate)
    signer = Signed((output / CA).read_bytes(), (output / CA_KEY).read_bytes())
    signed = issued(signer, hosts, days=days)
    _write(output / KEY, signed.key, secret=True)
    _write(output / CERTIFICATE, signed.certificate)
    click.echo(f"{CERTIFICATE}, {KEY} and {CA} are in {output}, for {', '.join(hosts)}, {days} days")


def _has_authority(directory: Path) -> bool:
    """Whether there is one. Raises PreconditionError where only half of it is."""
    there = [name for name in (CA, CA_KEY) if (directory / name).exists()]
    if len(there) == 1:
        raise PreconditionError(
            f"{directory} has {there[0]} and not the other of {CA} and {CA_KEY}; bring it back, since a new "
            "authority would be trusted by nobody, or use another directory"
        )
    return bool(there)


def _write(path: Path, content: bytes, *, secret: bool = False) -> None:
    """Replace a file whole, so that a service never reads half of it."""
    new = path.with_name(f"{path.name}.new")
    with os.fdopen(
        os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600 if secret else 0o644), "wb"
    ) as file:
        file.write(content)
    new.replace(path)
