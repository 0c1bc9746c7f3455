"""Places that keep blocks under names such as `store/organisation/survey/block`; here a folder."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

from spotted.errors import UnavailableError

PART = ".part"


class Kept(NamedTuple):
    """An object of a place."""

    name: str
    written_s: float
    """When it was written, UTC seconds since 1970."""


class Place(Protocol):
    """Named objects. Every call raises UnavailableError if the place cannot be reached."""

    shown: str
    """The folder or URL, for messages."""

    def put(self, name: str, content: bytes) -> None:
        """Keep an object; it appears once it is complete, on disk before this returns."""

    def get(self, name: str) -> bytes | None:
        """An object; None if it is not there."""

    def remove(self, name: str) -> None:
        """Remove an object, if it is there."""

    def kept(self, folder: str) -> Iterator[Kept]:
        """All objects whose names begin with the folder."""


class Folder:
    """A folder as a place.

    >>> import tempfile
    >>> place = Folder(Path(tempfile.mkdtemp()))
    >>> place.put("a/b", b"content")
    >>> place.get("a/b"), [each.name for each in place.kept("a")]
    (b'content', ['a/b'])
    """

    def __init__(self, directory: Path) -> None:
        self.shown = str(directory)
        self._directory = directory

    def put(self, name: str, content: bytes) -> None:
        """Keep an object; it appears once it is complete, on disk before this returns."""
        path = self._directory / name
        with self._failures():
            made = [each for each in (path.parent, *path.parent.parents) if not each.exists()]
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f"{path.name}.{uuid.uuid4().hex}{PART}")
            try:
                with open(part, "xb", opener=_private) as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)
            for directory in (path.parent, *(each.parent for each in made)):
                sync_directory(directory)

    def get(self, name: str) -> bytes | None:
        """An object; None if it is not there."""
        with self._failures():
            try:
                return (self._directory / name).read_bytes()
            except FileNotFoundError:
                return None

    def remove(self, name: str) -> None:
        """Remove an object, if it is there, and folders that are empty then."""
        path = self._directory / name
        with self._failures():
            path.unlink(missing_ok=True)
            for folder in path.relative_to(self._directory).parents[:-1]:
                try:
                    (self._directory / folder).rmdir()
                except OSError:
                    break

    def kept(self, folder: str) -> Iterator[Kept]:
        """All objects whose names begin with the folder, those left by interrupted writes included."""
        with self._failures():
            for path in sorted((self._directory / folder).rglob("*")):
                try:
                    if path.is_file():
                        name = path.relative_to(self._directory).as_posix()
                        yield Kept(name, path.stat().st_mtime)
                except FileNotFoundError:
                    continue

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UnavailableError(
                f"the vectors in {self.shown} cannot be read or written ({error.strerror}); mount the "
                "folder, or correct its permissions, and repeat the call"
            ) from error


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def sync_directory(directory: Path) -> None:
    """Flush a rename to disk."""
    opened = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
