"""Places of the files of a batch: a folder that all machines share, or a prefix of an object store.

A file appears once it is complete: it is written beside its name and renamed, or stored in one request.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from spotted.batch.buckets import PARTIAL, Bucket
from spotted.errors import NotFoundError
from spotted.object_stores import StoredObject, is_url


class Place(Protocol):
    """The files below a folder or a URL; names are relative, with "/" between folders."""

    @property
    def url(self) -> str:
        """The path or URL; `open_place` opens it in any process."""

    def files(self, folder: str = "") -> Iterator[StoredObject]:
        """The files below a folder, in any order."""

    def folders(self) -> list[str]:
        """The names of the folders directly below, sorted."""

    def read(self, name: str) -> bytes:
        """The content of a file. Raises NotFoundError if there is none."""

    def exists(self, name: str) -> bool:
        """Whether there is a file of that name."""

    def write(self, name: str, content: bytes) -> None:
        """Write a file, or replace it."""

    def take(self, name: str, source: Path) -> None:
        """Write a file from one of this machine, which may be gone afterwards."""

    def remove(self, name: str) -> None:
        """Remove a file, or all files below a folder; there may be none."""

    def local(self, folder: str) -> Path:
        """A folder of this machine with the files of a folder that are never changed."""

    def local_file(self, name: str) -> AbstractContextManager[Path]:
        """A file of this machine with the content of a file."""

    def new_folder(self, folder: str, last: str) -> AbstractContextManager[Path]:
        """An empty folder of this machine to fill; its files appear once the context ends without an error.

        last: the file whose presence says that the folder is complete.
        """

    def sweep(self, folder: str) -> None:
        """Remove partial files that interrupted attempts left in a folder."""


class Folder:
    """A folder of this machine, or one that machines share.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as root:
    ...     place = Folder(Path(root))
    ...     place.write("ridge/a.txt", b"one")
    ...     place.read("ridge/a.txt"), place.folders(), [file.name for file in place.files()]
    (b'one', ['ridge'], ['ridge/a.txt'])
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    @property
    def url(self) -> str:
        """The absolute path."""
        return str(self.root)

    def files(self, folder: str = "") -> Iterator[StoredObject]:
        """The files below a folder, in any order."""
        for path in (self.root / folder).rglob("*"):
            if path.is_file() and path.suffix != PARTIAL:
                found = path.stat()
                yield StoredObject(
                    path.relative_to(self.root).as_posix(), found.st_size, str(found.st_mtime_ns)
                )

    def folders(self) -> list[str]:
        """The names of the folders directly below, sorted."""
        if not self.root.is_dir():
            return []
        return sorted(p.name for p in self.root.iterdir() if p.is_dir() and not p.name.startswith("."))

    def read(self, name: str) -> bytes:
        """The content of a file. Raises NotFoundError if there is none."""
        try:
            return (self.root / name).read_bytes()
        except FileNotFoundError as error:
            raise NotFoundError(
                f"{self.root / name} does not exist; share the folder with this machine"
            ) from error

    def exists(self, name: str) -> bool:
        """Whether there is a file of that name."""
        return (self.root / name).is_file()

    def write(self, name: str, content: bytes) -> None:
        """Write a file, or replace it."""
        with self._partial(name) as partial:
            partial.write_bytes(content)

    def take(self, name: str, source: Path) -> None:
        """Write a file from one of this machine, which may be gone afterwards."""
        with self._partial(name) as partial:
            shutil.move(source, partial)

    def remove(self, name: str) -> None:
        """Remove a file, or all files below a folder; there may be none."""
        path = self.root / name
        if path.is_file():
            path.unlink()
        else:
            shutil.rmtree(path, ignore_errors=True)

    def local(self, folder: str) -> Path:
        """The folder itself."""
        return self.root / folder

    @contextmanager
    def local_file(self, name: str) -> Iterator[Path]:
        """The file itself."""
        yield self.root / name

    @contextmanager
    def new_folder(self, folder: str, last: str) -> Iterator[Path]:  # noqa: ARG002 - one rename moves all
        """An empty folder beside, which takes the name at the end; one that was left is started again."""
        partial = self.root / f"{folder}{PARTIAL}"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        yield partial
        self.remove(folder)
        partial.replace(self.root / folder)

    def sweep(self, folder: str) -> None:
        """Remove partial files that interrupted attempts left in a folder."""
        for partial in (self.root / folder).glob(f"*{PARTIAL}"):
            partial.unlink(missing_ok=True)

    @contextmanager
    def _partial(self, name: str) -> Iterator[Path]:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        # two attempts at once write equal files under different names
        partial = path.with_name(f"{path.name}.{uuid.uuid4().hex}{PARTIAL}")
        try:
            yield partial
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


@lru_cache(16)
def open_place(url: str) -> Place:
    """The place of a path or URL. Raises as `open_object_store`.

    >>> open_place("/surveys").url
    '/surveys'
    """
    return Bucket(url) if is_url(url) else Folder(Path(url))


def below(url: str, name: str) -> str:
    """The path or URL of a folder.

    >>> below("s3://bucket/surveys/", "ridge"), below("/surveys", "ridge")
    ('s3://bucket/surveys/ridge', '/surveys/ridge')
    """
    return f"{url.rstrip('/')}/{name}"
