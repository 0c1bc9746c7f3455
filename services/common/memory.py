"""Memory of this process: what its container or machine allows, and what it holds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psutil

CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUPS = Path("/proc/self/cgroup")
MIB = 1024**2


def memory_limit_bytes(*, cgroups: Path = CGROUPS, own: Path = OWN_CGROUPS) -> int:
    """The least memory limit of this process's cgroups and their parents, or else the machine's memory.

    cgroups: mount point of the cgroup file systems, version 1 or 2.
    own: file that lists this process's cgroups.
    """
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([machine, *_limits(cgroups, own)])


def resident_bytes() -> int:
    """Memory that this process holds now."""
    return int(psutil.Process().memory_info().rss)


def _limits(cgroups: Path, own: Path) -> Iterator[int]:
    if not own.exists():
        return
    for line in own.read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            root, name = cgroups, "memory.max"
        elif "memory" in controllers.split(","):
            root, name = cgroups / "memory", "memory.limit_in_bytes"
        else:
            continue
        # inside a container the path may be that of the host, of which only the root is visible
        folder = root / path.lstrip("/")
        for parent in (folder, *folder.parents):
            if parent.is_relative_to(root) and (parent / name).is_file():
                text = (parent / name).read_text().strip()
                if text.isdecimal():
                    yield int(text)
