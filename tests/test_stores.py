from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from spotted.local import lock
from tests import stores
from tests.stores import remove_abandoned, running_store

RUN = """
import sys
from pathlib import Path
from tests import stores
stores.MEMORY, stores.LEAST_ROOM = Path(sys.argv[1]), 0
with stores.running_store() as url:
    print(url, flush=True)
    sys.stdin.read()
"""


def test_a_store_that_killed_tests_left_is_removed_with_its_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "MEMORY", tmp_path)
    monkeypatch.setattr(stores, "LEAST_ROOM", 0)
    with subprocess.Popen(
        [sys.executable, "-c", RUN, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as tests:
        assert tests.stdout is not None
        assert tests.stdout.readline().startswith("redis://")
        (directory,) = tmp_path.iterdir()
        owner = lock.read(directory)
        assert owner is not None
        # they run, so it stays
        remove_abandoned(tmp_path)
        assert directory.exists()
        tests.kill()
    store = psutil.Process(owner.pid)
    with running_store():
        assert not directory.exists()
        assert not store.is_running() or store.status() == psutil.STATUS_ZOMBIE
    assert not list(tmp_path.iterdir())
