from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.memory import (
    KEPT_PART,
    LEAST_BYTES,
    MIB,
    PROCESS_BYTES,
    memory_limit_bytes,
    plan_memory,
    resident_bytes,
)
from spotted.errors import PreconditionError

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


def test_a_service_may_take_a_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("104857600\n")
    (tmp_path / "own").write_text("0::/\n")
    assert memory_limit_bytes(percent=40, cgroups=tmp_path, own=tmp_path / "own") == 40 * MIB


def test_processes_share_half_of_the_limit() -> None:
    plan = plan_memory(3072 * MIB, processes=3)
    assert plan.budget_bytes == KEPT_PART * 3072 * MIB / 3
    assert str(plan) == (
        "limit 3072 MiB, budget 512 MiB in each of 3 processes, 256 MiB for streams of answers"
    )
    assert str(plan_memory(1024 * MIB)) == (
        "limit 1024 MiB, budget 512 MiB in 1 process, 128 MiB for streams of answers"
    )


@given(limit_mib=st.integers(1, 100_000), processes=st.integers(1, 20), wanted_mib=st.none() | st.integers(0))
def test_a_plan_fits_its_limit_or_is_refused(limit_mib: int, processes: int, wanted_mib: int | None) -> None:
    try:
        plan = plan_memory(limit_mib * MIB, processes=processes, wanted_mib=wanted_mib)
    except PreconditionError as error:
        assert f"a memory limit of {limit_mib} MiB" in str(error)  # noqa: PT017 - a plan is as good
        return
    assert plan.planned_bytes <= limit_mib * MIB
    assert wanted_mib is not None or plan.budget_bytes >= LEAST_BYTES


def test_a_budget_that_does_not_fit_is_refused_with_what_fits() -> None:
    remedy = "3 processes; set it to at most 778, leave it out, or raise the limit, or lower SPOTTED_PLANNERS"
    assert PROCESS_BYTES == 160 * MIB
    with pytest.raises(
        PreconditionError, match=f"MEMORY_MIB is 4096, but .* 3072 MiB leaves 778 MiB for each of {remedy}"
    ):
        plan_memory(3072 * MIB, processes=3, wanted_mib=4096)
    assert plan_memory(3072 * MIB, processes=3, wanted_mib=778).budget_bytes == 778 * MIB


def test_a_limit_too_small_for_the_processes_is_refused_with_one_that_is_enough() -> None:
    with pytest.raises(
        PreconditionError, match=r"limit of 256 MiB is too small for 3 processes; .*PLANNERS"
    ) as e:
        plan_memory(256 * MIB, processes=3)
    enough = int(str(e.value).partition("raise it to ")[2].partition(" MiB")[0])
    plan_memory(enough * MIB, processes=3)
    with pytest.raises(PreconditionError, match=r"too small for 1 process; raise it to 220 MiB .*PERCENT\)$"):
        plan_memory(100 * MIB)


def test_resident_memory_grows_with_an_array() -> None:
    before = resident_bytes()
    array = np.ones(64 * MIB, dtype=np.uint8)
    assert resident_bytes() - before > 32 * MIB
    assert array.any()


FREED = """
import asyncio
from services.common.memory import MIB, give_back_freed, resident_bytes

async def freed(every_s):
    before = resident_bytes()
    small = [bytes(3000) for _ in range(60_000)]
    held = resident_bytes()
    # the last one keeps the heap below it
    del small[:-1]
    task = asyncio.create_task(give_back_freed(every_s=every_s, grown_bytes=16 * MIB))
    # the task takes the memory of its start for granted
    await asyncio.sleep(0)
    small += [bytes(3000) for _ in range(80_000)]
    del small[:-1]
    for _ in range(200):
        await asyncio.sleep(0.02)
        if resident_bytes() < before + 16 * MIB:
            break
    task.cancel()
    print(held - before > 100 * MIB, (resident_bytes() - before) / MIB)

asyncio.run(freed(float(__import__("sys").argv[1])))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_freed_memory_returns_to_the_system() -> None:
    left_mib = {}
    for every_s in ("0.01", "1000"):
        done = subprocess.run(
            [sys.executable, "-c", FREED, every_s], capture_output=True, text=True, check=True
        )
        grew, left = done.stdout.split()
        assert grew == "True"
        left_mib[every_s] = float(left)
    assert left_mib["0.01"] < 16.0
    assert left_mib["1000"] > 100.0
