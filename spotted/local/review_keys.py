"""One-time keys by which the review page on this machine knows who opened it.

A key is a file in the data directory that only its owner can read: whoever can make one could read the store
as well. Redeeming a key removes the file, so that the address of the page is of no use a second time.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from dataclasses import asdict, dataclass
from pathlib import Path

FOLDER = Path("review", "keys")
# from printing the address to opening it
LIFETIME_S = 600.0
KEY_BYTES = 24


@dataclass(frozen=True, slots=True)
class Opened:
    """The person and the screen that a key stands for."""

    annotator: str
    """Who answers."""
    survey_id: str = ""
    """The survey to begin with; "" for the list of surveys."""
    session_id: str = ""
    """The session to begin with."""


def make(directory: Path, opened: Opened) -> str:
    """A new key for the page of a data directory."""
    folder = directory / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    _remove_expired(folder)
    key = secrets.token_urlsafe(KEY_BYTES)
    file = _file(folder, key)
    file.touch(mode=0o600)
    file.write_text(json.dumps(asdict(opened)))
    return key


def redeem(directory: Path, key: str) -> Opened | None:
    """The person and screen of a key, once; None for a key that is unknown, used or too old."""
    folder = directory / FOLDER
    file = _file(folder, key)
    taken = file.with_suffix(".taken")
    try:
        # of two requests with one key only one can move the file
        file.rename(taken)
        text, made_at_s = taken.read_text(), taken.stat().st_mtime
        taken.unlink()
    except FileNotFoundError:
        return None
    return Opened(**json.loads(text)) if time.time() - made_at_s < LIFETIME_S else None


def _remove_expired(folder: Path) -> None:
    for file in folder.iterdir():
        if time.time() - file.stat().st_mtime > LIFETIME_S:
            file.unlink(missing_ok=True)


def _file(folder: Path, key: str) -> Path:
    # the name of the file does not tell the key, and no key is a path
    return folder / hashlib.sha256(key.encode()).hexdigest()
