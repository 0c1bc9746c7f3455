"""Services that are forked from a process that has read all modules, so that a restart takes a moment.

What runs is `python -m services.ROLE` from its settings on.
"""

from __future__ import annotations

import ctypes
import importlib
import multiprocessing
import os
import signal
from collections.abc import Mapping
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Self

from services.common import process
from spotted.local import health, processes
from tests.waiting import until

ROLES = ("scorer", "sampler")
# from Linux's <sys/prctl.h>
PR_SET_PDEATHSIG = 1


def serve(role: str, environment: Mapping[str, str], log: Path) -> None:
    """The process of a service, which ends with the test run, however that ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    with log.open("ab") as written:
        for standard in (1, 2):
            os.dup2(written.fileno(), standard)
    os.environ.update(environment)
    process.main(role, importlib.import_module(f"services.{role}.__main__").run)


class ForkedService:
    """A scorer or sampler that may be killed and started again at its address."""

    def __init__(self, role: str, directory: Path, store_url: str, scorer: str = "") -> None:
        self.role = role
        self.address = f"{processes.LOOPBACK}:{processes.free_port()}"
        self._log = directory / f"{role}.log"
        self._environment = {
            "SPOTTED_LISTEN": self.address,
            "SPOTTED_STORE_URL": store_url,
            "SPOTTED_SCORER_ADDRESS": scorer,
        }
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([f"services.{role}.__main__" for role in ROLES])
        self._process: ForkServerProcess | None = None

    @property
    def log(self) -> str:
        """The log so far."""
        return self._log.read_text()

    def start(self) -> Self:
        """Start it and wait until it serves."""
        arguments = (self.role, self._environment, self._log)
        started = self._process = self._context.Process(target=serve, args=arguments)
        started.start()

        def serves() -> bool:
            assert started.is_alive(), self.log
            return health.serving(self.address)

        until(serves, f"the {self.role} serves")
        return self

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
