from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.common.own_cores import CPUSETS, client_apart

CORES = sorted(os.sched_getaffinity(0))
ASK = "import os; print(sorted(os.sched_getaffinity(0)))"


def child() -> str:
    return subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(len(CORES) == 1, reason="needs two cores")
@pytest.mark.parametrize("cpusets", [CPUSETS, Path("/nosuch")])
def test_what_is_started_first_and_the_client_share_no_core(cpusets: Path) -> None:
    with client_apart(cpusets) as split:
        assert split.server_cores == len(CORES) - 1
        assert child() == f"{CORES[1:]}\n"
        split.enter_client()
        assert child() == f"{CORES[:1]}\n"
        inside = "spotted-benchmark-" in Path("/proc/self/cgroup").read_text()
        assert split.means == ("a CPU set of its own" if inside else "affinity")
    assert sorted(os.sched_getaffinity(0)) == CORES
    assert "spotted-benchmark-" not in Path("/proc/self/cgroup").read_text()
