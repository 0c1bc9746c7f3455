"""Backup files in an object store: Amazon S3 and what speaks its protocol, Google Cloud Storage, Azure."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from spotted.errors import UnavailableError
from spotted.object_stores import each_chunk, failures_named, is_url, listed_objects, open_object_store

# larger files are uploaded in parts of this size
PART_BYTES = 16 << 20


class Bucket:
    """The files below a URL. A file appears once it is complete, and has been read back."""

    def __init__(self, url: str, settings: Mapping[str, str]) -> None:
        """Open; nothing is read yet. settings: as of read_settings, besides AWS_* and other variables.

        Raises PreconditionError without the package obstore, InvalidInputError for an invalid URL or setting.
        """
        self.url = url.rstrip("/")
        self._store = open_object_store(self.url, settings)

    def names(self) -> list[str]:
        """The names of all files, sorted."""
        with failures_named(self.url):
            return sorted(each.name for each in listed_objects(self._store) if "/" not in each.name)

    def upload(self, path: Path) -> str:
        """Store a file under its name, in parts if it is large, and read it back; returns its URL.

        Raises UnavailableError if what was read differs; the object is removed then.
        """
        with path.open("rb") as file:
            wanted = hashlib.file_digest(file, "sha256").digest()
        stored = hashlib.sha256()
        with failures_named(self.url):
            self._store.put(path.name, path, chunk_size=PART_BYTES)
            each_chunk(self._store, path.name, stored.update)
        if stored.digest() != wanted:
            self.remove(path.name)
            raise UnavailableError(
                f"{self.url}/{path.name} differs from what was uploaded and was removed; repeat the backup"
            )
        return f"{self.url}/{path.name}"

    def download(self, name: str, path: Path) -> None:
        """Write a stored file to a new one that only its owner can read."""
        with (
            open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file,
            failures_named(self.url),
        ):
            each_chunk(self._store, name, file.write)

    def remove(self, name: str) -> None:
        """Remove a file."""
        with failures_named(self.url):
            self._store.delete(name)


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
