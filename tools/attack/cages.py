"""Memory cgroups of version 1 or 2, as containers have them; if there are none, memory is only measured."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")
PROCESSES = "cgroup.procs"


@dataclass(frozen=True, slots=True)
class Names:
    """Files of one version of memory cgroups."""

    limit: str
    """Most bytes."""
    peak: str
    """Most bytes used since the start, or since 0 was written to it."""
    events: str
    """Has a line with the number of processes that were killed for lack of memory."""


V1 = Names("memory.limit_in_bytes", "memory.max_usage_in_bytes", "memory.oom_control")
V2 = Names("memory.max", "memory.peak", "memory.events")


class Cage:
    """A memory limit for one service and its children.

    enforced: whether the kernel holds them to it; otherwise the limit is only compared with what they held.
    """

    def __init__(self, name: str, limit_bytes: int, *, root: Path = ROOT, own: Path = OWN) -> None:
        """Make a cgroup inside that of this process, if the machine allows it."""
        self.limit_bytes = limit_bytes
        self.pid = 0
        self._folder, self._names = _make(f"{name}-{os.getpid()}", limit_bytes, root, own)

    @property
    def enforced(self) -> bool:
        """Whether the limit is enforced."""
        return self._folder is not None

    @contextmanager
    def around(self) -> Iterator[None]:
        """Processes that start within the context are held to the limit, and so are their children."""
        if self._folder is None:
            yield
            return
        _enter(self._folder)
        try:
            yield
        finally:
            _enter(self._folder.parent)

    def reset_peak(self) -> None:
        """Forget the peak so far, if the kernel can."""
        # version 2 learned it in Linux 6.12
        with suppress(OSError):
            if self._folder is not None:
                (self._folder / self._names.peak).write_text("0")
            for process in self._processes():
                # 5: the peak of the resident set
                Path(f"/proc/{process.pid}/clear_refs").write_text("5")

    def peak_bytes(self) -> int:
        """Most memory held: of the cgroup, cached files included, or the sum of its processes' peaks."""
        if self._folder is not None:
            return int((self._folder / self._names.peak).read_text())
        return sum(_peak_resident(process.pid) for process in self._processes())

    def killed(self) -> int:
        """Number of processes that the kernel killed for lack of memory."""
        if self._folder is None:
            return 0
        lines = (self._folder / self._names.events).read_text().splitlines()
        return sum(int(number) for name, number in map(str.split, lines) if name == "oom_kill")

    def close(self) -> None:
        """Remove the cgroup, whose processes must have ended."""
        if self._folder is not None:
            for pid in (self._folder / PROCESSES).read_text().split():
                with suppress(psutil.Error):
                    psutil.Process(int(pid)).kill()
            with suppress(OSError):
                self._folder.rmdir()

    def _processes(self) -> list[psutil.Process]:
        try:
            own = psutil.Process(self.pid)
            return [own, *own.children(recursive=True)]
        except psutil.Error:
            return []


def _make(name: str, limit_bytes: int, root: Path, own: Path) -> tuple[Path | None, Names]:
    for folder, names in _own_folders(root, own):
        made = folder / name
        try:
            if names is V2:
                (folder / "cgroup.subtree_control").write_text("+memory")
            made.mkdir()
            (made / names.limit).write_text(str(limit_bytes))
            (made / names.peak).read_text()
        except OSError:
            with suppress(OSError):
                made.rmdir()
            continue
        return made, names
    return None, V1


def _own_folders(root: Path, own: Path) -> Iterator[tuple[Path, Names]]:
    if not own.exists():
        return
    for line in own.read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            yield root / "memory" / path.lstrip("/"), V1
        elif not controllers:
            yield root / path.lstrip("/"), V2


def _enter(folder: Path) -> None:
    (folder / PROCESSES).write_text(str(os.getpid()))


def _peak_resident(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) << 10
    return 0
