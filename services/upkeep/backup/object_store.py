"""Backup files in an object store: Amazon S3 and what speaks its protocol, Google Cloud Storage, Azure."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import ParamSpec, TypeVar

from spotted.errors import InvalidInputError, NotFoundError, PreconditionError, SpottedError, UnavailableError

SCHEME = "://"
# larger files are uploaded in parts of this size
PART_BYTES = 16 << 20
# only an endpoint that begins with http:// uses it
CLIENT = {"allow_http": True}
RETRIES = 3
RETRY_TIMEOUT = timedelta(seconds=60)

Params = ParamSpec("Params")
ResultT = TypeVar("ResultT")


def is_url(output: str) -> bool:
    """Whether this is a place in an object store, such as s3://bucket/prefix, and not a file."""
    return SCHEME in output


def read_settings(directory: Path | None) -> dict[str, str]:
    """Settings in a directory: the name of a file is that of a setting, e.g. aws_secret_access_key."""
    if directory is None or not directory.is_dir():
        return {}
    # a mounted Secret has hidden directories besides its files
    files = [path for path in directory.iterdir() if path.is_file() and path.name[0] != "."]
    return {path.name.lower(): path.read_text().strip() for path in files}


class Bucket:
    """The files below a URL. A file appears once it is complete, and has been read back."""

    def __init__(self, url: str, settings: Mapping[str, str]) -> None:
        """Open; nothing is read yet. settings: as of read_settings, besides AWS_* and other variables.

        Raises PreconditionError without the package obstore, InvalidInputError for an invalid URL or setting.
        """
        if find_spec("obstore") is None:
            raise PreconditionError(
                "an object store needs the package obstore; install it with pip install 'spotted[s3]'"
            )
        # installed only if it is needed
        import obstore  # noqa: PLC0415
        from obstore.exceptions import BaseError  # noqa: PLC0415
        from obstore.store import from_url  # noqa: PLC0415

        self.url = url.rstrip("/")
        self._calls = obstore
        retries = {"max_retries": RETRIES, "retry_timeout": RETRY_TIMEOUT}
        try:
            self._store = from_url(self.url, config=settings, client_options=CLIENT, retry_config=retries)
        except (BaseError, ValueError) as error:
            raise InvalidInputError(
                f"{self.url} cannot be used ({type(error).__name__}); use a URL such as s3://bucket/prefix, "
                "and check the settings of the object store"
            ) from None

    def names(self) -> list[str]:
        """The names of all files, sorted."""
        return sorted(self._call(self._listed))

    def upload(self, path: Path) -> str:
        """Store a file under its name, in parts if it is large, and read it back; returns its URL.

        Raises UnavailableError if what was read differs; the object is removed then.
        """
        self._call(self._calls.put, self._store, path.name, path, chunk_size=PART_BYTES)
        with path.open("rb") as file:
            wanted = hashlib.file_digest(file, "sha256").digest()
        stored = hashlib.sha256()
        self._call(self._each, path.name, stored.update)
        if stored.digest() != wanted:
            self.remove(path.name)
            raise UnavailableError(
                f"{self.url}/{path.name} differs from what was uploaded and was removed; repeat the backup"
            )
        return f"{self.url}/{path.name}"

    def download(self, name: str, path: Path) -> None:
        """Write a stored file to a new one that only its owner can read."""
        with open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            self._call(self._each, name, file.write)

    def remove(self, name: str) -> None:
        """Remove a file."""
        self._call(self._calls.delete, self._store, name)

    def _listed(self) -> Iterable[str]:
        pages = self._calls.list(self._store)
        return [str(each["path"]) for page in pages for each in page if "/" not in each["path"]]

    def _each(self, name: str, use: Callable[[bytes], object]) -> None:
        for chunk in self._calls.get(self._store, name):
            use(bytes(chunk))

    def _call(
        self, call: Callable[Params, ResultT], *arguments: Params.args, **named: Params.kwargs
    ) -> ResultT:
        from obstore.exceptions import BaseError  # noqa: PLC0415 - installed only if it is needed

        try:
            return call(*arguments, **named)
        except (BaseError, FileNotFoundError, PermissionError) as error:
            raise self._failure(error) from None

    def _failure(self, error: Exception) -> SpottedError:
        """The error without the answer of the object store, which may name keys."""
        kind = type(error).__name__
        if kind in {"PermissionDeniedError", "UnauthenticatedError", "PermissionError"}:
            return PreconditionError(f"{self.url} refuses the credentials; correct them or their permissions")
        if isinstance(error, FileNotFoundError):
            return NotFoundError(f"{self.url} has no such bucket or file; correct the URL")
        return UnavailableError(
            f"{self.url} does not answer as expected ({kind}); check bucket and address, and repeat"
        )


@contextmanager
def local_copy(name: str, settings: Mapping[str, str]) -> Iterator[Path]:
    """A backup file on this machine: itself, or a copy of one in an object store, removed afterwards."""
    if not is_url(name):
        yield Path(name)
        return
    url, _, file = name.rpartition("/")
    with tempfile.TemporaryDirectory(prefix="spotted-") as directory:
        path = Path(directory) / file
        Bucket(url, settings).download(file, path)
        yield path
