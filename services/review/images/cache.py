"""Rendered pictures on disk, within a bound; what was not read for longest leaves first.

It may be deleted at any time, also while it is used.
"""

from __future__ import annotations

import hashlib
import os
import threading
from contextlib import suppress
from pathlib import Path

# a full cache is emptied to this share of its bound, so that not every write has to look for old files
EMPTIED_TO = 0.9


class PictureCache:
    """Files by the digest of what they were made from.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     cache = PictureCache(Path(folder), most_bytes=100)
    ...     cache.put(digest("a.jpg", "320"), b"the bytes of a JPEG")
    ...     cache.get(digest("a.jpg", "320")), cache.get(digest("a.jpg", "1600"))
    (b'the bytes of a JPEG', None)
    """

    def __init__(self, folder: Path, *, most_bytes: int) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._bytes = sum(size for _, size, _ in self._files())

    def get(self, key: str) -> bytes | None:
        """The picture of a key, None if it is not there."""
        path = self._path(key)
        try:
            content = path.read_bytes()
            # marks it as read
            os.utime(path)
        except OSError:
            return None
        return content

    def put(self, key: str, content: bytes) -> None:
        """Keep a picture. A disk that is full keeps nothing."""
        path = self._path(key)
        made = path.with_suffix(f".{threading.get_ident()}")
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            made.write_bytes(content)
            made.replace(path)
        except OSError:
            with suppress(OSError):
                made.unlink()
            return
        with self._lock:
            self._bytes += len(content)
            if self._bytes > self._most_bytes:
                self._make_room()

    def _make_room(self) -> None:
        files = sorted(self._files())
        self._bytes = sum(size for _, size, _ in files)
        for _, size, path in files:
            if self._bytes <= EMPTIED_TO * self._most_bytes:
                return
            path.unlink(missing_ok=True)
            self._bytes -= size

    def _files(self) -> list[tuple[float, int, Path]]:
        """Time of reading, size and path of each file."""
        found = []
        for path in self._folder.glob("*/*"):
            try:
                state = path.stat()
            except OSError:
                continue
            found.append((state.st_mtime, state.st_size, path))
        return found

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / key


def digest(*parts: object) -> str:
    """The key of what is made from these parts, SHA-256 (hex)."""
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()
