"""The image files that tables name, looked up below one folder."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from spotted.formats.row import Row

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_DRIVE = re.compile(r"[A-Za-z]:[/\\\\]*|[/\\\\]{2}")


class ImageFolder:
    """The folder that contains all images of a survey.

    No path leaves it, so that a table from somebody else cannot read other files. Symbolic links are followed
    because image folders are often links.
    """

    def __init__(self, root: Path) -> None:
        """root: absolute, without `..`."""
        self.root = root
        # the paths or URLs of files that were found elsewhere than they say
        self._written: dict[Path, str] = {}
        # spellings by folder, for names whose case or accents differ from those on the disk
        self._spellings: dict[Path, Mapping[str, Path]] = {}

    def path(self, row: Row, column: str, *, name: str = "", hints: Sequence[str] = ()) -> Path | None:
        """The image that a cell names; None if the cell is empty or names none.

        Relative paths start at the folder. Paths of another computer (with a Windows drive, or absolute and
        outside) are looked up by their last folders, URLs by file name, anywhere below it.
        name: the file name that belongs to a URL; its last part by default.
        hints: folders such as the id of the deployment, to choose among files of one name.
        """
        text = row.text(column)
        if not text:
            return None
        if _URL.match(text):
            return self._of_url(row, column, text, name, hints)
        # the cell itself: file names may contain spaces that texts are freed from
        written = row.cells[column].strip().replace("\\", "/")
        drive = _DRIVE.match(written)
        inside = None if drive else self._inside(written)
        if inside is not None and (found := self._respelled(inside)).is_file():
            return found
        moved = self._moved(written[drive.end() if drive else 0 :])
        if moved is not None:
            return self._only(row, column, written, moved)
        if inside is None:
            row.wrong(
                column,
                f"lies outside {self.root}, and no file of its name lies there; give the folder that "
                "contains all images with --images",
            )
        return inside

    def _inside(self, text: str) -> Path | None:
        path = Path(os.path.normpath(self.root / text))
        return path if path.is_relative_to(self.root) else None

    def _moved(self, text: str) -> Path | None:
        """A file of the folder with the last folders and the name of a path, None without one."""
        parts = PurePosixPath(text.lstrip("/")).parts
        if ".." in parts:
            return None
        ends = (self._respelled(self.root.joinpath(*parts[skip:])) for skip in range(len(parts)))
        return next((path for path in ends if path.is_file()), None)

    def _only(self, row: Row, column: str, written: str, found: Path) -> Path | None:
        """The file found for a path; two paths of one file are wrong, as one of them is another image."""
        if self._written.setdefault(found, written) == written:
            return found
        row.wrong(
            column,
            f"and {self._written[found]!r} would be the same file, {found}; give the folder that contains "
            "all images with --images",
            cause="same file",
        )
        return None

    def _respelled(self, path: Path) -> Path:
        """The file of this name except for case and the coding of accents, or else the path itself."""
        if path.is_file():
            return path
        if path.parent not in self._spellings:
            files = sorted(path.parent.iterdir()) if path.parent.is_dir() else []
            self._spellings[path.parent] = {_folded(file.name): file for file in reversed(files)}
        return self._spellings[path.parent].get(_folded(path.name), path)

    def _of_url(self, row: Row, column: str, url: str, name: str, hints: Sequence[str]) -> Path | None:
        wanted = name or unquote(PurePosixPath(urlsplit(url).path).name)
        found = self._by_name.get(_folded(PurePosixPath(wanted.replace("\\", "/")).name), [])
        if len(found) > 1:
            wished = {_folded(hint) for hint in hints if hint}
            found = [p for p in found if wished & {_folded(part) for part in p.relative_to(self.root).parts}]
            if len(found) != 1:
                row.wrong(
                    column,
                    f"is a URL, and several files below {self.root} are called {wanted!r}; put those of each "
                    "deployment into a folder with its id",
                    cause="several files",
                )
                return None
        if found:
            return self._only(row, column, url, found[0])
        row.problems.remark(
            f"{row.name}, {column} {url!r} is a URL, and no file {wanted!r} lies below {self.root}; download "
            "the images and give their folder with --images",
            cause=(row.file, column, "url"),
        )
        return None

    @cached_property
    def _by_name(self) -> Mapping[str, list[Path]]:
        """All files below the folder by name."""
        files: defaultdict[str, list[Path]] = defaultdict(list)
        for directory, folders, names in os.walk(self.root):
            folders.sort()
            for name in sorted(names):
                files[_folded(name)].append(Path(directory, name))
        return files


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
