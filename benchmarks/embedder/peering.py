"""Other servers of the same ONNX file: started, tuned by trial, and called over HTTP with raw JPEG bytes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from benchmarks.common.models import exported, model_file
from benchmarks.common.report import cores
from benchmarks.embedder import posting
from benchmarks.embedder.loads import in_flight
from spotted.errors import SpottedError, UnavailableError
from spotted.local.processes import free_port

SCRIPTS = Path(__file__).parent / "peers"
ROOT = Path(__file__).parents[2]
START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 20.0
POLL_S = 0.2
TRIAL_CROPS = 96
MANY = 32


@dataclass(frozen=True, slots=True)
class Peer:
    """Another server."""

    package: str
    """Name in the package index."""
    script: str
    """Script that serves the file with it."""


@dataclass(frozen=True, slots=True)
class Running:
    """A started server: its port and its processes."""

    port: int
    processes: list[psutil.Process]


@dataclass(frozen=True, slots=True)
class Setting:
    """Tuning of a server."""

    workers: int
    """Processes."""
    threads: int
    """Threads of one run."""
    batch: int
    """Most crops in one run."""

    def as_dict(self) -> dict[str, int]:
        """For a report."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.workers} workers x {self.threads} threads, batches of {self.batch}"


PEERS = {
    "litserve": Peer("litserve", "serve_litserve.py"),
    "mosec": Peer("mosec", "serve_mosec.py"),
    "bentoml": Peer("bentoml", "serve_bentoml.py"),
    "ray": Peer("ray", "serve_ray.py"),
}


def settings() -> list[Setting]:
    """Settings to try: a process on each core with and without batches, and one on all cores with batches."""
    count = cores()
    return [Setting(count, 1, 1), Setting(count, 1, 4), Setting(1, count, 8)]


def installed(peer: Peer, python: str) -> str | None:
    """The version of its package in an interpreter; None if it is not installed."""
    code = f"import importlib.metadata as m; print(m.version({peer.package!r}))"
    asked = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return asked.stdout.strip() if asked.returncode == 0 else None


def best_setting(peer: Peer, model_id: str, python: str, crops: Sequence[bytes]) -> Setting:
    """The fastest of the settings, by two short trials each. Raises UnavailableError if none starts."""
    per_s: dict[Setting, float] = {}
    files = [crops[i % len(crops)] for i in range(TRIAL_CROPS)]
    with asyncio.Runner() as runner:
        # forward and backward, as the load of the machine may change in between
        for setting in [*settings(), *reversed(settings())]:
            try:
                with running(peer, setting, model_id, python) as server:
                    post(runner, server.port, files[:MANY], MANY)
                    started_s = time.perf_counter()
                    post(runner, server.port, files, MANY)
            except SpottedError as error:
                print(f"{peer.package} ({setting}): {error}")
                continue
            trial_per_s = len(files) / (time.perf_counter() - started_s)
            per_s[setting] = max(trial_per_s, per_s.get(setting, 0.0))
            print(f"{peer.package} ({setting}): {trial_per_s:.1f} crops/s in a trial")
    if not per_s:
        raise UnavailableError(f"{peer.package} does not start with any setting; see the messages above")
    return max(per_s, key=lambda setting: per_s[setting])


@contextmanager
def running(peer: Peer, setting: Setting, model_id: str, python: str) -> Iterator[Running]:
    """A started server that answers; it and its children are stopped at the end of the context."""
    manifest, port = exported(model_id), free_port()
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PATH": f"{Path(python).parent}{os.pathsep}{os.environ['PATH']}",
        "PEER_MODEL": str(model_file(model_id).resolve()),
        "PEER_SIZE": str(manifest.input_size),
        "PEER_PORT": str(port),
        **{f"PEER_{name.upper()}": str(value) for name, value in setting.as_dict().items()},
    }
    with TemporaryDirectory(prefix="spotted-peer-") as name:
        log = Path(name) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [python, str(SCRIPTS / peer.script)],
                stdout=output,
                stderr=output,
                env=environment,
                cwd=name,
                # like the embedder: under load, Linux shares processors between sessions
                start_new_session=True,
            )
        try:
            _wait(peer, process, port, log)
            yield Running(port, [psutil.Process(process.pid), *_family(process.pid)])
        finally:
            _end(process)


def post(runner: asyncio.Runner, port: int, files: Sequence[bytes], most: int) -> list[float]:
    """Seconds of each POST of a JPEG file, with `most` in flight over as many connections.

    Raises UnavailableError if the response is not 200 OK.
    """
    return runner.run(_post(port, files, most))


async def _post(port: int, files: Sequence[bytes], most: int) -> list[float]:
    async with posting.Connections(port, most) as connections:
        try:
            return await in_flight(files, partial(connections.post, "/predict"), most)
        except ExceptionGroup as group:
            raise UnavailableError(f"a call failed: {group.exceptions[0]!r}") from group


def _wait(peer: Peer, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while True:
        if process.poll() is not None or time.monotonic() > deadline_s:
            last = log.read_text(errors="replace")[-600:]
            raise UnavailableError(f"{peer.package} does not answer; its log ends with: {last}")
        try:
            asyncio.run(_probe(port))
        except (OSError, asyncio.IncompleteReadError, TimeoutError, posting.StatusError):
            time.sleep(POLL_S)
        else:
            return


async def _probe(port: int) -> None:
    async with asyncio.timeout(10), posting.Connections(port, 1) as connections:
        await connections.post("/predict", posting.PROBE)


def _end(process: subprocess.Popen[bytes]) -> None:
    family = _family(process.pid)
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _, alive = psutil.wait_procs(family, timeout=1.0)
    for left in alive:
        with suppress(psutil.NoSuchProcess):
            left.kill()


def _family(pid: int) -> list[psutil.Process]:
    """All descendants of a process; empty if it has ended."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
