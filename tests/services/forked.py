"""Services that are forked from a process that has read all modules, so that a start takes a moment.

What runs is `python -m services.ROLE` from its settings on; reading the modules takes a second of processor
time.
"""

from __future__ import annotations

import ctypes
import importlib
import multiprocessing
import os
import signal
from collections.abc import Mapping
from pathlib import Path

import psutil

from services.common import process
from spotted.local import processes

# from Linux's <sys/prctl.h>
PR_SET_PDEATHSIG = 1


def serve(role: str, environment: Mapping[str, str], log: Path) -> None:
    """The process of a service, which ends with the test run, however that ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    with log.open("ab") as written:
        for standard in (1, 2):
            os.dup2(written.fileno(), standard)
    os.environ.clear()
    os.environ.update(environment)
    process.main(role, importlib.import_module(f"services.{role}.__main__").run)


def start_service(
    role: str,
    directory: Path,
    port: int,
    store_url: str,
    scorer_address: str = "",
    environment: Mapping[str, str] | None = None,
) -> processes.Member:
    """Start one service as `processes.start_service` does; it is no child of this process."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([f"services.{each}.__main__" for each in processes.SERVICES])
    addresses = {
        "SPOTTED_LISTEN": f"{processes.LOOPBACK}:{port}",
        "SPOTTED_STORE_URL": store_url,
        "SPOTTED_SCORER_ADDRESS": scorer_address,
    }
    settings = {**os.environ, **addresses, **(environment or {})}
    log = directory / f"{role}.log"
    log.touch()
    started = context.Process(target=serve, args=(role, settings, log))
    started.start()
    assert started.pid is not None
    try:
        started_at_s = psutil.Process(started.pid).create_time()
    except psutil.NoSuchProcess:
        # it could not start, and its log says why
        started_at_s = 0.0
    return processes.Member(role, port, started.pid, started_at_s)
