"""Services as they are deployed: a process of its own beside a real store, on loopback."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.common.models import MODELS, exported
from services.common.memory import MIB
from spotted.local.processes import end, free_port, start_service, start_store, wait


@dataclass(frozen=True, slots=True)
class Serving:
    """A running service: its address and its process."""

    address: str
    process: psutil.Process

    @property
    def resident_mib(self) -> float:
        """The memory that the process holds now."""
        return float(self.process.memory_info().rss) / MIB


@dataclass(frozen=True, slots=True)
class Store:
    """A running store: its folder, with the logs of the services over it, and its URL."""

    directory: Path
    url: str


@contextmanager
def embedder(model_id: str, *, workers: int, models: Path = MODELS) -> Iterator[Serving]:
    """An embedder of one exported backbone; it and its store end with the context.

    Raises UnavailableError if one does not start.
    """
    exported(model_id, models)
    environment = {
        "SPOTTED_MODELS": str(models.resolve()),
        "SPOTTED_MODEL": model_id,
        "SPOTTED_WORKERS": str(workers),
    }
    with _serving("embedder", environment) as serving:
        yield serving


@contextmanager
def scorer() -> Iterator[Serving]:
    """A scorer over an empty store; both end with the context. Raises as `embedder`."""
    with _serving("scorer", {}) as serving:
        yield serving


@contextmanager
def store() -> Iterator[Store]:
    """An empty store; it ends with the context. Raises as `embedder`."""
    with tempfile.TemporaryDirectory(prefix="spotted-benchmark-") as name:
        directory = Path(name)
        member = start_store(directory, free_port())
        try:
            wait(member, directory / "store.log")
            yield Store(directory, f"redis://{member.address}/0")
        finally:
            end(member)


@contextmanager
def fresh(role: str, of: Store, environment: Mapping[str, str]) -> Iterator[Serving]:
    """A service that was just started over a store; it ends with the context. Raises as `embedder`."""
    service = start_service(role, of.directory, free_port(), of.url, "", environment)
    try:
        wait(service, of.directory / f"{role}.log")
        yield Serving(service.address, psutil.Process(service.pid))
    finally:
        end(service)


@contextmanager
def _serving(role: str, environment: Mapping[str, str]) -> Iterator[Serving]:
    with store() as empty, fresh(role, empty, environment) as serving:
        yield serving
