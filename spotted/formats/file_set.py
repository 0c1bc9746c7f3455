"""Several files written into a directory together or not at all, and never over their sources."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from spotted.errors import AlreadyExistsError, InvalidInputError, PreconditionError


def write_fileset(
    target: Path,
    contents: Mapping[str, bytes | Path],
    *,
    sources: Mapping[str, Path],
    overwrite: bool = False,
) -> None:
    """Write files, by their paths relative to `target`; a Path as content is copied.

    sources: files that must not be overwritten, by their title in error messages.
    overwrite: replace files of the same paths in a directory that is not empty, each atomically; other files
    stay. A new or empty directory appears complete or not at all.
    Raises InvalidInputError if a target is a source, AlreadyExistsError if the directory is not empty and
    `overwrite` is False, PreconditionError if it cannot be written.
    """
    _check_sources(target, contents, sources)
    if not overwrite and target.exists() and not _is_empty(target):
        raise AlreadyExistsError(
            f"{target} is not empty; give another directory, or allow its files to be overwritten "
            "(--overwrite)"
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as staging:
            staged = Path(staging) / "files"
            for path, content in contents.items():
                _write(staged / path, content)
            _move(staged, target, contents)
    except OSError as error:
        raise PreconditionError(
            f"{target} cannot be written: {error}; make room or choose another directory"
        ) from error


def _check_sources(target: Path, contents: Mapping[str, bytes | Path], sources: Mapping[str, Path]) -> None:
    taken = {path.resolve(): title for title, path in sources.items()}
    for path in contents:
        title = taken.get((target / path).resolve())
        if title is not None:
            raise InvalidInputError(
                f"{target / path} is the {title} that was read; write into another directory", field="target"
            )


def _is_empty(directory: Path) -> bool:
    return directory.is_dir() and next(directory.iterdir(), None) is None


def _write(path: Path, content: bytes | Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as handle:
        if isinstance(content, Path):
            with content.open("rb") as original:
                shutil.copyfileobj(original, handle)
        else:
            handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())


def _move(staged: Path, target: Path, contents: Mapping[str, bytes | Path]) -> None:
    if not target.exists() or _is_empty(target):
        # renaming onto an empty directory works only on POSIX
        if target.exists():
            target.rmdir()
        staged.rename(target)
        return
    for path in contents:
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (staged / path).replace(target / path)
