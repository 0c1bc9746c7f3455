"""Memory that this process may use: the limit of its container, else the memory of the machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

# where Linux lists the control groups of a process, and the limit of a group by version
GROUPS = "proc/self/cgroup"
UNIFIED, UNIFIED_LIMIT = "sys/fs/cgroup", "memory.max"
CONTROLLER, CONTROLLER_LIMIT = "sys/fs/cgroup/memory", "memory.limit_in_bytes"


def memory_limit_bytes(root: Path = Path("/")) -> int:
    """The least limit of the control groups that this process is in, and of the machine, bytes.

    Groups of version 2 and 1 count, with all groups above them. root: the directory with proc and sys.
    """
    return min([*_group_limits(root), os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")])


def _group_limits(root: Path) -> Iterator[int]:
    for mount, limit, group in _groups(root):
        # inside a container the path may be the host's; the mount then shows the container's group at its top
        for level in (group, *group.parents):
            text = _text(root / mount / str(level).lstrip("/") / limit).strip()
            # without a limit, version 2 has `max`, and version 1 a number above any memory
            if text.isdecimal() and int(text):
                yield int(text)


def _groups(root: Path) -> Iterator[tuple[str, str, PurePosixPath]]:
    """Mount, name of the limit's file, and path of each group that may limit memory."""
    for line in _text(root / GROUPS).splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            yield UNIFIED, UNIFIED_LIMIT, PurePosixPath(path)
        elif "memory" in controllers.split(","):
            yield CONTROLLER, CONTROLLER_LIMIT, PurePosixPath(path)


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
