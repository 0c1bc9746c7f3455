"""An object store as a place of blocks: Amazon S3 and its like, Google Cloud Storage, Azure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from services.common.vectors.places import Kept
from spotted.object_stores import failures_named, open_object_store


class Bucket:
    """The objects below a URL."""

    def __init__(self, url: str, settings: Mapping[str, str]) -> None:
        """Open; nothing is read yet. settings: of the object store, besides AWS_* and other variables.

        Raises PreconditionError without the package obstore, InvalidInputError for an invalid URL or setting.
        """
        self.shown = url.rstrip("/")
        self._store = open_object_store(self.shown, settings)

    def put(self, name: str, content: bytes) -> None:
        """Keep an object; it appears once it is complete, and is durable before this returns."""
        with failures_named(self.shown):
            self._store.put(name, content)

    def get(self, name: str) -> bytes | None:
        """An object; None if it is not there."""
        with failures_named(self.shown):
            try:
                return bytes(self._store.get(name).bytes())
            except FileNotFoundError:
                return None

    def remove(self, name: str) -> None:
        """Remove an object, if it is there."""
        with failures_named(self.shown):
            try:
                self._store.delete(name)
            except FileNotFoundError:
                return

    def kept(self, folder: str) -> Iterator[Kept]:
        """All objects whose names begin with the folder."""
        with failures_named(self.shown):
            for page in self._store.list(folder.rstrip("/")):
                for each in page:
                    yield Kept(str(each["path"]), each["last_modified"].timestamp())
