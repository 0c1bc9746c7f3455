"""Zip archives unpacked into a directory, completely or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from spotted.errors import InvalidInputError, PreconditionError
from spotted.formats.row import absolute_path

# names what was unpacked, so that an archive that changed is unpacked again
_RECORD = ".unpacked"


def unpack(archive: str | os.PathLike[str], into: Path) -> Path:
    """Unpack a zip archive into a folder of `into`, unless it was unpacked there before; the folder.

    The folder depends only on the path of the archive. Hidden files and those that a Mac adds are left out.
    Raises InvalidInputError if the archive is damaged or a file would lie outside the folder, and
    PreconditionError if there is no room.
    """
    path = absolute_path(archive)
    target = into / f"{path.stem}-{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
    try:
        with zipfile.ZipFile(path) as opened:
            members = list(_members(path, opened))
            record = hashlib.sha256("\n".join(f"{m.filename} {m.CRC}" for m in members).encode()).hexdigest()
            known = target / _RECORD
            if not known.is_file() or known.read_text() != record:
                _check_room(path, members, into)
                _extract(opened, members, target, record)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise InvalidInputError(
            f"{path} cannot be unpacked: {error}; unpack it yourself and give the directory"
        ) from error
    return target


def _members(path: Path, opened: zipfile.ZipFile) -> Iterator[zipfile.ZipInfo]:
    for member in opened.infolist():
        parts = PurePosixPath(member.filename.replace("\\", "/")).parts
        if (
            stat.S_ISLNK(member.external_attr >> 16)
            or ".." in parts
            or (parts and parts[0].endswith(("/", ":")))
        ):
            raise InvalidInputError(f"{path} contains {member.filename!r}, which lies outside; remove it")
        if not member.is_dir() and not any(part.startswith(".") or part == "__MACOSX" for part in parts):
            yield member


def _check_room(path: Path, members: list[zipfile.ZipInfo], into: Path) -> None:
    into.mkdir(parents=True, exist_ok=True)
    needed, free = sum(member.file_size for member in members), shutil.disk_usage(into).free
    if needed > free:
        raise PreconditionError(
            f"{path} needs {needed / 1e6:,.0f} MB unpacked, but {into} has {free / 1e6:,.0f} MB free; make "
            "room, or unpack it elsewhere and give the directory"
        )


def _extract(opened: zipfile.ZipFile, members: list[zipfile.ZipInfo], target: Path, record: str) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".unpacking-") as staging:
        files = Path(staging) / "files"
        files.mkdir()
        for member in members:
            opened.extract(member, files)
        (files / _RECORD).write_text(record)
        if target.exists():
            target.rename(Path(staging) / "old")
        files.rename(target)
