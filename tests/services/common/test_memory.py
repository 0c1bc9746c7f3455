from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from services.common.memory import MIB, memory_limit_bytes, resident_bytes

MACHINE = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def limits(folder: Path, own: str, files: dict[str, str]) -> int:
    for name, text in files.items():
        path = folder / "cgroups" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "own").write_text(own)
    return memory_limit_bytes(cgroups=folder / "cgroups", own=folder / "own")


@pytest.mark.parametrize(
    ("own", "files"),
    [
        ("0::/\n", {"memory.max": "104857600\n"}),
        ("0::/a/b\n", {"a/b/memory.max": "max\n", "a/memory.max": "104857600\n", "memory.max": "max\n"}),
        ("0::/a/b\n", {"a/b/memory.max": "104857600\n", "a/memory.max": "209715200\n"}),
        ("0::/on/the/host\n", {"memory.max": "104857600\n"}),
        (
            "5:cpu,cpuacct:/a\n4:memory:/a/b\n0::/\n",
            {
                "memory/a/memory.limit_in_bytes": "104857600",
                "memory/memory.limit_in_bytes": "9223372036854771712",
            },
        ),
    ],
)
def test_the_least_limit_of_a_cgroup_and_its_parents_counts(
    tmp_path: Path, own: str, files: dict[str, str]
) -> None:
    assert limits(tmp_path, own, files) == 100 * MIB


def test_without_a_limit_it_is_the_machines_memory(tmp_path: Path) -> None:
    assert limits(tmp_path, "0::/\n", {"memory.max": "max\n"}) == MACHINE
    assert memory_limit_bytes(cgroups=tmp_path, own=tmp_path / "none") == MACHINE


def test_resident_memory_grows_with_an_array() -> None:
    before = resident_bytes()
    array = np.ones(64 * MIB, dtype=np.uint8)
    assert resident_bytes() - before > 32 * MIB
    assert array.any()
