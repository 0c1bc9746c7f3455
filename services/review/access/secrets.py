"""The secret that encrypts cookies."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from cryptography.fernet import Fernet

from spotted.errors import InvalidInputError

FILE = Path("review", "cookies.key")


def read_secret(directory: Path, file: Path | None) -> Fernet:
    """The secret in a file, or else the one of the data directory, which is made if there is none.

    Raises InvalidInputError if the file cannot be read or holds no secret.
    """
    path = file or directory / FILE
    if file is None and not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = path.with_suffix(f".{os.getpid()}")
        made.touch(mode=0o600)
        made.write_bytes(Fernet.generate_key())
        # of two processes that begin at once, the second takes the secret of the first
        with suppress(FileExistsError):
            os.link(made, path)
        made.unlink()
    try:
        return Fernet(path.read_bytes().strip())
    except (OSError, ValueError) as error:
        raise InvalidInputError(
            f"{path} holds no secret for cookies ({error}); write 32 random bytes to it in URL-safe base64, "
            "e.g. by `openssl rand -base64 32 | tr +/ -_`"
        ) from error
