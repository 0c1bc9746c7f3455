"""`spotted token create | list | revoke`: who may call the services, and for what."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from pathlib import Path

import click

from services.common.access.caller import role_name
from services.common.access.tokens import Tokens
from services.upkeep.commands.store_option import opened, store_options
from spotted import messages
from spotted.console import json_option, show, table
from spotted.errors import InvalidInputError
from spotted.v1 import access_pb2 as pb

ROLES = {role_name(role): role for role in pb.Role.values() if role != pb.ROLE_UNSPECIFIED}
DURATION = re.compile(r"(\d{1,5})([dhm])")
UNIT_S = {"d": 86_400, "h": 3_600, "m": 60}


@click.group()
def token() -> None:
    """Make, list and revoke bearer tokens; services started since or before know them at once."""


@token.command()
@click.option("--organisation", default="", help="Whose token it is; it sees this organisation's surveys.")
@click.option("--role", type=click.Choice([*ROLES]), required=True)
@click.option(
    "--survey",
    "surveys",
    multiple=True,
    metavar="ID",
    help="A survey that it sees, or a beginning and `*`; may be repeated. Default: all of the organisation.",
)
@click.option("--expires", metavar="DURATION", help="Such as 90d, 12h or 30m; default: never.")
@click.option("--rate", type=click.FloatRange(min=0), default=0.0, help="Calls a second. 0: any.")
@click.option("--message-mib", type=click.FloatRange(min=0), default=0.0, help="Largest message, MiB.")
@click.option("--image-mib", type=click.FloatRange(min=0), default=0.0, help="Largest image, MiB.")
@click.option("--surveys", "most_surveys", type=click.IntRange(min=0), default=0, help="Most surveys.")
@click.option("--detections", type=click.IntRange(min=0), default=0, help="Most detections in a survey.")
@click.option("--note", default="", help="What it is for.")
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the token to a new file that only its owner may read, instead of showing it.",
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
    """Make a token. It is shown this once; the store keeps its hash alone."""
    quota = pb.Quota(
        calls_per_second=rate,
        message_bytes=round(message_mib * 1024**2),
        image_bytes=round(image_mib * 1024**2),
        surveys=most_surveys,
        detections=detections,
    )
    if output is not None and output.exists():
        raise InvalidInputError(f"{output} is there already; remove it, or name another file")
    expires_s = None if expires is None else time.time() + _seconds(expires)
    with opened(url, directory) as store:
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
        text=lambda: click.echo(f"token {token_id} is in {output}" if output else text),
    )


@token.command(name="list")
@store_options
@json_option
def list_tokens(*, url: str | None, directory: Path, as_json: bool) -> None:
    """List all tokens, without their secrets."""
    with opened(url, directory) as store:
        tokens = Tokens(store)
        found = [
            {
                "token_id": token_id,
                "organisation": stored.organisation,
                "role": role_name(stored.role),
                "surveys": list(stored.surveys),
                "state": "holds" if tokens.is_valid(stored) else _ended(stored),
                "created": _day(messages.seconds(stored.create_time)),
                "expires": _day(messages.seconds(stored.expire_time))
                if stored.HasField("expire_time")
                else "",
                "note": stored.note,
            }
            for token_id, stored in sorted(tokens.all().items())
        ]
    heads = ("token_id", "organisation", "role", "surveys", "state", "created", "expires", "note")
    rows = [tuple(", ".join(v) if isinstance(v := one[h], list) else v for h in heads) for one in found]
    show({"tokens": found}, as_json=as_json, text=lambda: table("tokens", heads, rows))


@token.command()
@click.argument("token_id")
@store_options
def revoke(*, token_id: str, url: str | None, directory: Path) -> None:
    """End a token by its id; services refuse it within five seconds."""
    with opened(url, directory) as store:
        Tokens(store).revoke(token_id)
    click.echo(f"token {token_id} is revoked")


def _ended(stored: pb.StoredToken) -> str:
    return "revoked" if stored.HasField("revoke_time") else "expired"


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


def _seconds(duration: str) -> int:
    found = DURATION.fullmatch(duration)
    if found is None:
        raise InvalidInputError(f"--expires is {duration!r}; use a number and d, h or m, such as 90d")
    return int(found.group(1)) * UNIT_S[found.group(2)]
