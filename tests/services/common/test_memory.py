from __future__ import annotations

import os
from pathlib import Path

import pytest

from services.common.memory import memory_limit_bytes

MACHINE_BYTES = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
MIB = 1024**2


def system(root: Path, groups: str, limits: dict[str, str]) -> Path:
    """A directory with the files of Linux that name groups and limits."""
    for path, text in {"proc/self/cgroup": groups, **limits}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


@pytest.mark.parametrize(
    ("groups", "limits", "mib"),
    [
        ("0::/\n", {"sys/fs/cgroup/memory.max": "104857600\n"}, 100),
        (
            "0::/a/b\n",
            {"sys/fs/cgroup/a/b/memory.max": "max\n", "sys/fs/cgroup/a/memory.max": f"{64 * MIB}\n"},
            64,
        ),
        ("5:cpu,memory:/x\n", {"sys/fs/cgroup/memory/x/memory.limit_in_bytes": f"{50 * MIB}\n"}, 50),
        # a container of version 1 sees the host's path, and its own group at the top
        (
            "4:memory:/docker/77\n0::/\n",
            {"sys/fs/cgroup/memory/memory.limit_in_bytes": f"{32 * MIB}\n"},
            32,
        ),
    ],
)
def test_the_lowest_limit_of_the_groups_counts(
    tmp_path: Path, groups: str, limits: dict[str, str], mib: int
) -> None:
    assert memory_limit_bytes(system(tmp_path, groups, limits)) == mib * MIB


@pytest.mark.parametrize("text", ["max", "9223372036854771712", "0", "", "damaged"])
def test_without_a_limit_the_memory_of_the_machine_counts(tmp_path: Path, text: str) -> None:
    limits = {"sys/fs/cgroup/memory.max": text}
    assert memory_limit_bytes(system(tmp_path, "0::/\n", limits)) == MACHINE_BYTES
    assert memory_limit_bytes(tmp_path / "elsewhere") == MACHINE_BYTES
