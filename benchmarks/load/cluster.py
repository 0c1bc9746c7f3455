"""A platform on one machine: one store that has every write on disk, and two replicas of each service."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.load.access import ADDRESSES, Targets
from spotted.errors import PreconditionError
from spotted.local import vectors
from spotted.local.processes import (
    LOOPBACK,
    SERVICES,
    Member,
    end,
    free_port,
    start_service,
    start_store,
    wait,
)

REPLICAS = 2
MODELS = Path("models")
MODEL = "efficientnet-lite0"


class Cluster:
    """The processes of a platform. Use `running`."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self._directory = directory
        # two replicas share the cores, so each gets one worker
        defaults = {"SPOTTED_MODELS": str(MODELS.resolve()), "SPOTTED_MODEL": MODEL, "SPOTTED_WORKERS": "1"}
        self._environment = {**defaults, **vectors.settings(directory), **environment}
        self._ports = {role: [free_port() for _ in range(REPLICAS)] for role in SERVICES}
        self.members: dict[str, Member] = {}

    @property
    def targets(self) -> Targets:
        """Addresses of the services for clients."""
        return Targets(*(self._target(role) for role in ("embedder", "scorer", "sampler")))

    @property
    def store_url(self) -> str:
        """The store's URL."""
        return f"redis://{self.members['store'].address}/0"

    def start(self, say: Callable[[str], None]) -> None:
        """Start every process and wait until all answer."""
        say("starting the store and two replicas of each service")
        (self._directory / "store").mkdir()
        self.members["store"] = start_store(self._directory / "store", free_port())
        wait(self.members["store"], self._directory / "store" / "store.log")
        for role in SERVICES:
            for replica in range(REPLICAS):
                self._start(role, replica)
        for name in self.replicas():
            self._wait(name)

    def replicas(self) -> list[str]:
        """The name of every replica, such as `scorer-1`, in the order in which they are restarted."""
        return [f"{role}-{replica + 1}" for role in SERVICES for replica in range(REPLICAS)]

    def restart(self, name: str) -> tuple[float, float]:
        """Ask a replica to stop, wait until it has, and start it again on its port; seconds of each."""
        role, replica = name.split("-")
        asked_s = time.perf_counter()
        end(self.members[name])
        ended_s = time.perf_counter()
        self._start(role, int(replica) - 1)
        self._wait(name)
        return ended_s - asked_s, time.perf_counter() - ended_s

    def processes(self) -> dict[str, psutil.Process]:
        """Every process by name; those that a service has started are named after it."""
        found = {}
        for name, member in list(self.members.items()):
            process = member.process()
            if process is None:
                continue
            found[name] = process
            for i, child in enumerate(_children(process), start=1):
                found[f"{name} child {i}"] = child
        return found

    def close(self) -> None:
        """End everything, the store last."""
        for name in reversed(self.members):
            end(self.members[name])

    def _start(self, role: str, replica: int) -> None:
        directory = self._directory / f"{role}-{replica + 1}"
        directory.mkdir(exist_ok=True)
        scorer = self._target("scorer")
        port = self._ports[role][replica]
        started = start_service(role, directory, port, self.store_url, scorer, self._environment)
        self.members[f"{role}-{replica + 1}"] = started

    def _wait(self, name: str) -> None:
        member = self.members[name]
        wait(member, self._directory / name / f"{member.role}.log")

    def _target(self, role: str) -> str:
        return ADDRESSES + ",".join(f"{LOOPBACK}:{port}" for port in self._ports[role])


@contextmanager
def running(environment: Mapping[str, str], say: Callable[[str], None]) -> Iterator[Cluster]:
    """A platform with nothing stored, which ends with the context.

    environment: further SPOTTED_* settings of the services. Raises PreconditionError without an exported
    backbone, UnavailableError if a process does not start.
    """
    if not (MODELS / MODEL).is_dir():
        raise PreconditionError(f"no backbone in {MODELS / MODEL}; run `make models` first")
    with tempfile.TemporaryDirectory(prefix="spotted-load-") as name:
        cluster = Cluster(Path(name), environment)
        try:
            cluster.start(say)
            yield cluster
        finally:
            cluster.close()


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        # the resource tracker of multiprocessing does nothing
        children = process.children(recursive=True)
        return [child for child in children if "resource_tracker" not in " ".join(child.cmdline())]
    except psutil.NoSuchProcess:
        return []
