"""Whether the append-only file of a store is what it was left as.

A store that was stopped in order leaves a file that nobody may shorten: its sizes are recorded, and a start
with less is refused. A store that was killed, or lost its power, may leave the beginning of a write that was
never acknowledged: it drops that at its next start, and says so only in its log.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from spotted.errors import PreconditionError

END_FILE = "store.end"
FILES = "appendonlydir"
STARTS = "Valkey is starting"
CUT = re.compile(r"Truncating the AOF (\S+) at offset (\d+)")
REMEDY = (
    "after a kill or a power failure that write was never acknowledged, and nothing is missing; after any "
    "other damage restore a backup"
)


def record_end(directory: Path) -> None:
    """Record the sizes of the files of a store that has ended."""
    sizes = {path.name: path.stat().st_size for path in sorted((directory / FILES).glob("*"))}
    (directory / END_FILE).write_text(json.dumps(sizes))


def check_end(directory: Path) -> None:
    """Compare the files with those of the last end in order; no record of one is no difference.

    Raises PreconditionError if a file is missing or shorter: acknowledged writes are missing.
    """
    try:
        sizes = json.loads((directory / END_FILE).read_text())
    except (FileNotFoundError, ValueError):
        return
    for name, size in sizes.items():
        file = directory / FILES / name
        found = file.stat().st_size if file.exists() else 0
        if found < size:
            raise PreconditionError(
                f"{file} has {found} of the {size} bytes left by `spotted down`, so stored data is missing; "
                "put the whole file back, or restore a backup into another directory; `spotted up "
                "--accept-loss` starts with what is left"
            )


def forget_end(directory: Path) -> None:
    """Remove the record: the store runs, and its files change."""
    (directory / END_FILE).unlink(missing_ok=True)


def dropped(log: Path) -> str | None:
    """A phrase for what the store dropped from its file at its last start, by its log; None for nothing."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return None
    for line in reversed(lines):
        if STARTS in line:
            return None
        if found := CUT.search(line):
            return (
                f"dropped an incomplete write at the end of its append-only file ({found[1]}, after byte "
                f"{found[2]})"
            )
    return None
