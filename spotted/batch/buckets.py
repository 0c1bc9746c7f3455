"""The files of a batch in an object store. An object appears once it was sent whole."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from spotted.errors import NotFoundError, PreconditionError
from spotted.object_stores import (
    StoredObject,
    each_chunk,
    failures_named,
    listed_objects,
    open_object_store,
)

PARTIAL = ".partial"
# copies that no process of this machine has opened for so long are removed
UNUSED_S = 24 * 3600.0
OPENED = "opened"
# larger files are uploaded in parts of this size
PART_BYTES = 16 << 20


class Bucket:
    """A prefix of an object store, with credentials from the usual variables, such as AWS_ACCESS_KEY_ID."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._store = open_object_store(self.url, {})

    def files(self, folder: str = "") -> Iterator[StoredObject]:
        """The files below a folder, in any order."""
        with failures_named(self._at(folder)):
            yield from listed_objects(self._store, folder)

    def folders(self) -> list[str]:
        """The names of the folders directly below, sorted."""
        with failures_named(self.url):
            found = self._store.list_with_delimiter(None)["common_prefixes"]
        return sorted(str(prefix).rstrip("/").rpartition("/")[2] for prefix in found)

    def read(self, name: str) -> bytes:
        """The content of a file. Raises NotFoundError if there is none."""
        with failures_named(self._at(name)):
            return bytes(self._store.get(name).bytes())

    def exists(self, name: str) -> bool:
        """Whether there is a file of that name."""
        try:
            with failures_named(self._at(name)):
                self._store.head(name)
        except NotFoundError:
            return False
        return True

    def write(self, name: str, content: bytes) -> None:
        """Write a file, or replace it."""
        with failures_named(self._at(name)):
            self._store.put(name, content)

    def take(self, name: str, source: Path) -> None:
        """Write a file from one of this machine."""
        with failures_named(self._at(name)):
            self._store.put(name, source, chunk_size=PART_BYTES)

    def remove(self, name: str) -> None:
        """Remove a file, or all files below a folder; there may be none."""
        names = [each.name for each in self.files(name)]
        if not names and name and self.exists(name):
            names = [name]
        with failures_named(self._at(name)):
            if names:
                self._store.delete(names)

    def local(self, folder: str) -> Path:
        """A copy of the files of a folder, which all processes of this machine share."""
        found = sorted(self.files(folder))
        if not found:
            raise NotFoundError(f"{self._at(folder)} has no files; run the command again")
        made_from = f"{self._at(folder)}\n{found}"
        copies = Path(tempfile.gettempdir()) / f"spotted-batch-{os.getuid()}"
        copies.mkdir(mode=0o700, exist_ok=True)
        if copies.stat().st_uid != os.getuid() or copies.is_symlink():
            raise PreconditionError(f"{copies} belongs to another user; set TMPDIR to a folder of your own")
        copy = copies / hashlib.sha256(made_from.encode()).hexdigest()[:32]
        if not copy.exists():
            _remove_unused(copies)
            self._copy(found, folder, copy)
        (copy / OPENED).touch()
        return copy

    @contextmanager
    def local_file(self, name: str) -> Iterator[Path]:
        """A copy of a file, removed afterwards."""
        with tempfile.TemporaryDirectory(prefix="spotted-") as directory:
            # the name of a photograph says of what kind it is
            path = Path(directory) / f"file{Path(name).suffix}"
            self._download(name, path)
            yield path

    @contextmanager
    def new_folder(self, folder: str, last: str) -> Iterator[Path]:
        """An empty folder of this machine, whose files are sent at the end, `last` after all others."""
        with tempfile.TemporaryDirectory(prefix="spotted-") as directory:
            yield Path(directory)
            self.remove(folder)
            paths = [path for path in Path(directory).rglob("*") if path.is_file()]
            for path in sorted(paths, key=lambda path: path.name == last):
                self.take(f"{folder}/{path.relative_to(directory).as_posix()}", path)

    def sweep(self, folder: str) -> None:
        """Nothing is left: a store drops what was not sent whole."""

    def _at(self, name: str) -> str:
        return f"{self.url}/{name}" if name else self.url

    def _copy(self, found: list[StoredObject], folder: str, copy: Path) -> None:
        partial = copy.with_name(f"{copy.name}.{uuid.uuid4().hex}{PARTIAL}")
        try:
            for each in found:
                path = partial / Path(each.name).relative_to(folder)
                path.parent.mkdir(parents=True, exist_ok=True)
                self._download(each.name, path)
            partial.replace(copy)
        except OSError:
            # another process of this machine was quicker
            if not copy.exists():
                raise
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def _download(self, name: str, path: Path) -> None:
        with path.open("wb") as file, failures_named(self._at(name)):
            each_chunk(self._store, name, file.write)


def _remove_unused(copies: Path) -> None:
    """Remove copies that nobody opened for long, and what killed processes left unfinished."""
    oldest = time.time() - UNUSED_S
    for copy in copies.iterdir():
        # another process may remove it meanwhile
        with suppress(FileNotFoundError):
            opened = copy / OPENED
            if (opened if opened.exists() else copy).stat().st_mtime < oldest:
                shutil.rmtree(copy, ignore_errors=True)
