"""Files of programs that are recognised by their titles or keys: TrapTagger, Timelapse, Wildbook, COCO."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from spotted.errors import InvalidInputError
from spotted.formats.layouts.coco import is_coco
from spotted.formats.layouts.timelapse import is_timelapse
from spotted.formats.layouts.traptagger import is_traptagger
from spotted.formats.layouts.wildbook import is_wildbook
from spotted.formats.sheets import SHEET_SUFFIXES, read_titles

TRAPTAGGER = "traptagger"
TIMELAPSE = "timelapse"
WILDBOOK = "wildbook"
COCO = "coco"
MOST_TABLES = 20
SHOWN_TITLES = 4
_PROGRAMS: dict[str, tuple[str, Callable[[Sequence[str]], bool]]] = {
    WILDBOOK: ("Wildbook's bulk import", is_wildbook),
    TRAPTAGGER: ("TrapTagger", is_traptagger),
    TIMELAPSE: ("Timelapse", is_timelapse),
}


def find_program(root: Path) -> tuple[str, Path, str] | None:
    """The layout, the file and the reason for a file of such a program, or one in a directory.

    Raises InvalidInputError if a directory contains several.
    """
    found = [seen for path in tables_in(root) if (seen := _of_table(path)) is not None] or list(_coco(root))
    if len(found) > 1:
        listed = ", ".join(path.name for _, path, _ in found)
        raise InvalidInputError(f"{root} contains several files of {found[0][0]}, {listed}; give one of them")
    return found[0] if found else None


def tables_in(root: Path) -> list[Path]:
    """A table, or the tables in a directory, as far as they are looked at."""
    files = sorted(root.iterdir()) if root.is_dir() else [root]
    tables = (path for path in files if path.suffix.lower() in SHEET_SUFFIXES - {".txt"})
    return [path for path in tables if not path.name.startswith((".", "~"))][:MOST_TABLES]


def _of_table(path: Path) -> tuple[str, Path, str] | None:
    for titles in read_titles(path):
        for layout, (name, test) in _PROGRAMS.items():
            if test(titles):
                shown = ", ".join(titles[:SHOWN_TITLES])
                return layout, path, f"a table of {name}, because {path.name} has the columns {shown} ..."
    return None


def _coco(root: Path) -> list[tuple[str, Path, str]]:
    files = sorted(root.glob("*.json")) if root.is_dir() else [root]
    reason = "annotations of COCO, because of images, annotations and categories in"
    return [
        (COCO, path, f"{reason} {path.name}")
        for path in files
        if path.suffix.lower() == ".json" and is_coco(path)
    ]
