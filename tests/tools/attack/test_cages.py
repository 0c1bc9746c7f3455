from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.attack.cages import Cage

MIB = 1 << 20
TAKE = "import sys; taken = b'x' * int(sys.argv[1])"


@pytest.fixture
def cage() -> Iterator[Cage]:
    made = Cage("test-cage", 64 * MIB)
    yield made
    made.close()


def take(cage: Cage, size: int) -> int:
    """The status of a process in the cage that takes a number of bytes."""
    with cage.around():
        started = subprocess.Popen([sys.executable, "-c", TAKE, str(size)])
    return started.wait()


def test_a_process_above_the_limit_is_killed_and_counted(cage: Cage) -> None:
    if not cage.enforced:
        pytest.skip("this machine allows no memory cgroups")
    assert take(cage, 16 * MIB) == 0
    assert cage.killed() == 0
    peak = cage.peak_bytes()
    assert 16 * MIB < peak < 64 * MIB
    assert take(cage, 128 * MIB) < 0
    assert cage.killed() == 1
    # this process is outside again
    assert take(Cage("none", 0, own=Path("/nowhere")), 128 * MIB) == 0


def test_without_cgroups_memory_is_measured() -> None:
    cage = Cage("none", 64 * MIB, own=Path("/nowhere"))
    assert not cage.enforced
    assert cage.killed() == 0
    with subprocess.Popen([sys.executable, "-c", f"{TAKE}; print(); sys.stdin.read()", str(32 * MIB)],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as started:  # fmt: skip
        assert started.stdout is not None
        started.stdout.readline()
        cage.pid = started.pid
        assert cage.peak_bytes() > 32 * MIB
        started.communicate()
    cage.close()
