"""`spotted token create | list | revoke`: bearer tokens of the services' callers."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from pathlib import Path

import click

from services.common.access.caller import role_name
from services.common.access.tokens import Tokens
from services.upkeep.commands.store_option import open_store, store_options
from spotted import messages
from spotted.console import json_option, show, table
from spotted.errors import InvalidInputError
from spotted.v1 import access_pb2 as pb

ROLES = {role_name(role): role for role in pb.Role.values() if role != pb.ROLE_UNSPECIFIED}
DURATION = re.compile(r"(\d{1,5})([dhm])")
UNIT_S = {"d": 86_400, "h": 3_600, "m": 60}


@click.group()
def token() -> None:
    """Create, list and revoke bearer tokens; running services accept a new token at once."""


@token.command()
@click.option("--organisation", default="", help="Organisation whose surveys the token may access.")
@click.option("--role", type=click.Choice([*ROLES]), required=True, help="Role of the token's holder.")
@click.option(
    "--survey",
    "surveys",
    multiple=True,
    metavar="ID",
    help="Survey that the token may access, or a prefix and `*`; can be repeated. Default: all.",
)
@click.option("--expires", metavar="DURATION", help="Lifetime, e.g. 90d, 12h or 30m. Default: no expiry.")
@click.option(
    "--rate", type=click.FloatRange(min=0), default=0.0, help="Most calls per second. Default: no limit."
)
@click.option("--message-mib", type=click.FloatRange(min=0), default=0.0, help="Largest message, MiB.")
@click.option("--image-mib", type=click.FloatRange(min=0), default=0.0, help="Largest image, MiB.")
@click.option(
    "--surveys",
    "most_surveys",
    type=click.IntRange(min=0),
    default=0,
    help="Most surveys of the organisation.",
)
@click.option("--detections", type=click.IntRange(min=0), default=0, help="Most detections per survey.")
@click.option("--note", default="", help="Purpose of the token, shown by `spotted token list`.")
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the token to a new file readable only by its owner, instead of printing it.",
)
@store_options
@json_option
def create(
    *,
    organisation: str,
    role: str,
    surveys: tuple[str, ...],
    expires: str | None,
    rate: float,
    message_mib: float,
    image_mib: float,
    most_surveys: int,
    detections: int,
    note: str,
    output: Path | None,
    url: str | None,
    directory: Path,
    as_json: bool,
) -> None:
    """Create a token. It is printed only once; the store keeps only its hash."""
    quota = pb.Quota(
        calls_per_second=rate,
        message_bytes=round(message_mib * 1024**2),
        image_bytes=round(image_mib * 1024**2),
        surveys=most_surveys,
        detections=detections,
    )
    if output is not None and output.exists():
        raise InvalidInputError(f"{output} already exists; remove it, or use another file")
    expires_s = None if expires is None else time.time() + _seconds(expires)
    with open_store(url, directory) as store:
        token_id, text = Tokens(store).create(
            organisation=organisation,
            role=ROLES[role],
            surveys=surveys,
            quota=quota,
            expires_s=expires_s,
            note=note,
        )
    if output is not None:
        output.touch(mode=0o600, exist_ok=False)
        output.write_text(text + "\n")
    shown = {"token_id": token_id} | ({} if output else {"token": text})
    show(
        shown,
        as_json=as_json,
        text=lambda: click.echo(f"wrote token {token_id} to {output}" if output else text),
    )


@token.command(name="list")
@store_options
@json_option
def list_tokens(*, url: str | None, directory: Path, as_json: bool) -> None:
    """List all tokens, without their secrets."""
    with open_store(url, directory) as store:
        tokens = Tokens(store)
        listed = [
            _described(token_id, stored, valid=tokens.is_valid(stored))
            for token_id, stored in sorted(tokens.all().items())
        ]
        listed += [{"token_id": token_id, "state": "damaged"} for token_id in tokens.damaged()]
    heads = ("token_id", "organisation", "role", "surveys", "state", "created", "expires", "note")
    rows = [
        tuple(", ".join(v) if isinstance(v := row.get(h, ""), list) else v for h in heads) for row in listed
    ]
    show({"tokens": listed}, as_json=as_json, text=lambda: table("tokens", heads, rows))


@token.command()
@click.argument("token_id")
@store_options
def revoke(*, token_id: str, url: str | None, directory: Path) -> None:
    """Revoke a token by its id; services reject it within five seconds."""
    with open_store(url, directory) as store:
        Tokens(store).revoke(token_id)
    click.echo(f"revoked token {token_id}")


def _described(token_id: str, stored: pb.StoredToken, *, valid: bool) -> dict[str, object]:
    return {
        "token_id": token_id,
        "organisation": stored.organisation,
        "role": role_name(stored.role),
        "surveys": list(stored.surveys),
        "state": "valid" if valid else _ended(stored),
        "created": _day(messages.seconds(stored.create_time)),
        "expires": _day(messages.seconds(stored.expire_time)) if stored.HasField("expire_time") else "",
        "note": stored.note,
    }


def _ended(stored: pb.StoredToken) -> str:
    return "revoked" if stored.HasField("revoke_time") else "expired"


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


def _seconds(duration: str) -> int:
    match = DURATION.fullmatch(duration)
    if match is None:
        raise InvalidInputError(f"--expires is {duration!r}; use a number and d, h or m, e.g. 90d")
    return int(match.group(1)) * UNIT_S[match.group(2)]
