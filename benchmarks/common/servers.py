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
from spotted.local.processes import Member, end, free_port, start_service, start_store, wait


@dataclass(frozen=True, slots=True)
class Serving:
    """A running service: its address and its process."""

    address: str
    process: psutil.Process

    @property
    def resident_mib(self) -> float:
        """The memory that the process holds now."""
        return float(self.process.memory_info().rss) / MIB


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
def _serving(role: str, environment: Mapping[str, str]) -> Iterator[Serving]:
    with tempfile.TemporaryDirectory(prefix="spotted-benchmark-") as name:
        directory = Path(name)
        members: list[Member] = []
        try:
            store = start_store(directory, free_port())
            members.append(store)
            wait(store, directory / "store.log")
            url = f"redis://{store.address}/0"
            service = start_service(role, directory, free_port(), url, "", environment)
            members.append(service)
            wait(service, directory / f"{role}.log")
            yield Serving(service.address, psutil.Process(service.pid))
        finally:
            for member in reversed(members):
                end(member)
