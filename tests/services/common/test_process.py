from __future__ import annotations

import asyncio
import gc
import logging
import platform
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis
import uvloop

from services.common import process
from services.common.settings import Settings
from services.common.store import keys
from spotted.errors import UnavailableError
from spotted.local import processes
from tests.waiting import PATIENCE_S, until


def test_a_setting_that_cannot_be_used_ends_the_process_with_one_line() -> None:
    environment = {"SPOTTED_WORKERS": "many", "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-m", "services.scorer"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "INVALID_INPUT: SPOTTED_WORKERS is 'many'; use a whole number" in line


@pytest.mark.parametrize(
    ("service", "processes_of_it"), [("scorer", "1 process"), ("sampler", "3 processes")]
)
def test_a_budget_above_the_memory_limit_ends_the_process_with_both_and_the_remedy(
    service: str, processes_of_it: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"services.{service}"],
        env={"SPOTTED_MEMORY_MIB": "100000000", "SPOTTED_PLANNERS": "2", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.returncode == process.FAILED
    line = done.stderr.splitlines()[-1]
    assert "PRECONDITION: SPOTTED_MEMORY_MIB is 100000000, but a memory limit of" in line
    assert f"MiB for each of {processes_of_it}; set it to at most" in line


@pytest.mark.parametrize(("service", "shared"), [("scorer", "1 process"), ("sampler", "each of 3 processes")])
def test_a_service_logs_its_memory_limit_and_what_its_processes_may_take(
    tmp_path: Path, service: str, shared: str
) -> None:
    # the store is not there, which is logged later
    member = processes.start_service(
        service, tmp_path, processes.free_port(), "redis://127.0.0.1:1/0", "", {"SPOTTED_PLANNERS": "2"}
    )
    log = tmp_path / f"{service}.log"
    until(lambda: "memory: " in log.read_text(), "the log has the memory")
    processes.end(member)
    (line,) = [line for line in log.read_text().splitlines() if "memory: " in line]
    assert re.search(rf"limit \d+ MiB, budget \d+ MiB in {shared}, \d+ MiB for streams of answers$", line)


def test_now_is_the_current_time() -> None:
    before_s = time.time()
    now_s = process.now().ToNanoseconds() / 1e9
    assert before_s - 1e-3 <= now_s <= time.time() + 1e-3


def test_collecting_seldom_raises_the_thresholds() -> None:
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    process.collect_seldom()
    try:
        assert gc.get_threshold()[0] > 700
    finally:
        gc.set_threshold(*before)


def test_a_service_runs_on_the_fast_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    async def run(_: Settings) -> None:
        loops.append(asyncio.get_running_loop())

    monkeypatch.setenv("SPOTTED_LISTEN", "127.0.0.1:1")
    handlers = logging.root.handlers[:]
    try:
        process.main("scorer", run)
    finally:
        logging.root.handlers[:] = handlers
    assert isinstance(loops[0], uvloop.Loop)


def test_a_service_that_cannot_start_ends_with_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def run(settings: Settings) -> None:
        raise UnavailableError(f"cannot listen on {settings.listen}")

    monkeypatch.setenv("SPOTTED_LISTEN", "127.0.0.1:1")
    handlers = logging.root.handlers[:]
    try:
        with pytest.raises(SystemExit) as ended:
            process.main("scorer", run)
    finally:
        logging.root.handlers[:] = handlers
    assert ended.value.code == process.FAILED
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("scorer ERROR UNAVAILABLE: cannot listen on 127.0.0.1:1")


ARRAYS = """
import sys
import numpy as np
import psutil
from services.common import process

def resident_mib():
    return psutil.Process().memory_info().rss / 2**20

if sys.argv[1] == "given back":
    process.give_back_arrays()
# the largest so far: glibc takes smaller ones from its heap from now on
largest = np.ones(3 << 20)
del largest
before, small = resident_mib(), []
arrays = []
for _ in range(20):
    arrays.append(np.ones(1 << 19))
    small.append(bytes(3000))
arrays.clear()
print(resident_mib() - before)
"""


MESSAGES = """
import resource
from services.common import process

process.give_back_arrays()
size = 1 << 20
for _ in range(200):
    b"x" * size
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_one_message_after_another_takes_no_new_pages() -> None:
    done = subprocess.run([sys.executable, "-c", MESSAGES], capture_output=True, text=True, check=True)
    # each of them has 256 pages
    assert int(done.stdout) < 200 * 256


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_arrays_that_are_freed_return_to_the_system() -> None:
    kept_mib = {}
    for how in ("left", "given back"):
        done = subprocess.run([sys.executable, "-c", ARRAYS, how], capture_output=True, text=True, check=True)
        kept_mib[how] = float(done.stdout)
    assert kept_mib["given back"] < 5.0
    assert kept_mib["left"] > kept_mib["given back"] + 30.0


def test_a_store_of_another_version_ends_the_process_with_one_line(tmp_path: Path) -> None:
    store = processes.start_store(tmp_path, processes.free_port())
    processes.wait(store, tmp_path / "store.log")
    connection = redis.Redis(port=store.port)
    connection.set(keys.VERSION, "999")
    connection.close()
    done = subprocess.run(
        [sys.executable, "-m", "services.scorer"],
        env={
            "SPOTTED_STORE_URL": f"redis://{store.address}/0",
            "SPOTTED_LISTEN": f"127.0.0.1:{processes.free_port()}",
            "PATH": "",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    process = store.process()
    assert process is not None
    process.kill()
    process.wait()
    assert done.returncode == 1
    assert "STORE_VERSION" in done.stderr
    assert "Traceback" not in done.stderr
