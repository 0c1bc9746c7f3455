"""One run of a command at a time: the lock of a file, with a record of the process that holds it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from spotted.errors import PreconditionError
from spotted.local.lock import Owner, opened, try_lock


@contextmanager
def exclusive(path: Path, doing: str) -> Iterator[None]:
    """Hold the lock of a file inside the block.

    doing: what would run twice, for messages.
    The system releases the lock when the process ends, however it ends. If it has no locks, the record of a
    process that ended is taken over, and that of one that runs, or may run on another machine, is believed.
    Raises PreconditionError that names the process and since when it runs.
    """
    with opened(path) as descriptor:
        locked = None if sys.platform == "win32" else try_lock(descriptor, 0.0)
        here, holder = Owner.here(), _read(path)
        is_held = locked is None and holder is not None and not holder.has_ended(here, locked=False)
        if locked is False or is_held:
            raise PreconditionError(
                f"{doing} runs already {holder or 'in another process'}; wait until it has ended, or stop it "
                f"there; if that process certainly no longer runs, delete {path}"
            )
        path.write_text(json.dumps(asdict(here)))
        try:
            yield
        finally:
            # emptied, not removed: another process may wait with the file open
            path.write_text("")


def _read(path: Path) -> Owner | None:
    try:
        return Owner(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None
