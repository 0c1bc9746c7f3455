"""Needs of the store for a detection, in it and with its vectors in blocks, and for a label.

    python -m benchmarks.scaling

One store, and a cluster of three primaries with a replica each, on this machine. The processor time of a
server says how many writes a core of it takes at most; the time of an answer here says nothing of a cluster
whose nodes have cores of their own.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.backup import plant
from services.common.store.journal import Change, Journal
from services.common.store.store import Store
from services.common.survey.existence import Existence
from services.common.survey.state import folded_survey
from services.common.vectors.blocks import VectorBlocks
from services.common.vectors.joining import open_joined
from services.common.vectors.mover import Mover, Progress
from services.common.vectors.places import Folder
from tests.faults import cluster as clusters
from tests.faults.deployment import Deployment, StoreProcess
from tests.waiting import until

DIMENSIONS = (768, 1280, 2152)
WRITERS = 8
# the survey that is read: with its vectors in the store, and in blocks
STARTED, STARTED_DIMENSION, STARTS = ("stored", "moved"), 1280, 3
# bars: memory of a detection without its vector, and time of a cold start, as parts of those with it
MOST_LEFT, SLOWEST_START = 0.1, 1.0
# of a label in a journal
LABEL_BYTES = 120


@dataclass(frozen=True)
class Spent:
    """Memory, file and processor time of servers so far."""

    memory_bytes: int
    file_bytes: int
    cpu_s: float

    @classmethod
    def of(cls, servers: Sequence[StoreProcess]) -> Spent:
        """The sum over servers."""
        memory, file, cpu_s = 0, 0, 0.0
        for server in servers:
            with server.client as client:
                memory += client.info("memory")["used_memory"]
                file += client.info("persistence")["aof_current_size"]
            times = psutil.Process(server.pid).cpu_times()
            cpu_s += times.user + times.system
        return cls(memory, file, cpu_s)

    def row(self, before: Spent, count: int) -> str:
        """Cells of a table: the needs of each of `count` since."""
        memory = (self.memory_bytes - before.memory_bytes) / count
        file = (self.file_bytes - before.file_bytes) / count
        cpu_us = (self.cpu_s - before.cpu_s) / count * 1e6
        return f"{memory:.0f} B | {file:.0f} B | {cpu_us:.0f} µs"


def main() -> None:
    """Measure, and print two tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--detections", type=int, default=10_000)
    parser.add_argument("--started", type=int, default=50_000, help="detections of the survey that is read")
    parser.add_argument("--seconds", type=float, default=10.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, Deployment(Path(directory)) as deployment:
        one = deployment.store({"auto-aof-rewrite-percentage": "0"})
        print(
            "| elements of a vector | memory | file | processor time | memory without the vectors | share "
            f"(bar {MOST_LEFT}) |\n|---|---|---|---|---|---|"
        )
        for dimension in DIMENSIONS:
            detections(one, dimension, arguments.detections, Path(directory) / "vectors")
        starts(one, arguments.started, Path(directory) / "vectors")
        print(
            "\n| store | labels | memory | file | processor time | median answer |\n|---|---|---|---|---|---|"
        )
        labels("one", one.url, [one], arguments.seconds)
        primary = deployment.store()
        pair = [primary, deployment.store({"replicaof": f"127.0.0.1 {primary.port}"})]
        until(lambda: _replicas(primary) == 1, "a replica that follows")
        labels("one with a replica, `replicas=1`", f"{primary.url}&replicas=1", pair, arguments.seconds)
        cluster = clusters.started(deployment.store, replicas=1)
        for name, query in (("cluster of six", ""), ("cluster of six, `replicas=1`", "&replicas=1")):
            labels(name, f"{cluster.url}{query}", cluster.nodes, arguments.seconds)


def detections(server: StoreProcess, dimension: int, count: int, folder: Path) -> None:
    """Print a row: the needs of each detection of a survey, and its memory once its vector is in a block."""
    store, blocks, survey_id = *joined(server, folder), f"vectors-{dimension}"
    before = Spent.of([server])
    plant(store, survey_id, count, dimension)
    planted = Spent.of([server])
    Mover(store, blocks).move(survey_id, Progress(), rest=True)
    left = (Spent.of([server]).memory_bytes - before.memory_bytes) / count
    share = left * count / (planted.memory_bytes - before.memory_bytes)
    print(f"| {dimension} | {planted.row(before, count)} | {left:.0f} B | {share:.3f} |", flush=True)
    store.close()


def joined(server: StoreProcess, folder: Path) -> tuple[Store, VectorBlocks]:
    """The store, and blocks in a folder, of a process that has read none of them."""
    blocks = VectorBlocks(Folder(folder))
    store = Store(server.url, blocks=blocks)
    open_joined(store, blocks)
    return store, blocks


def starts(server: StoreProcess, count: int, folder: Path) -> None:
    """Print the time to read a survey whose vectors are in the store, and one of the same in blocks."""
    store, blocks = joined(server, folder)
    for survey_id in STARTED:
        plant(store, survey_id, count, STARTED_DIMENSION)
    Mover(store, blocks).move(STARTED[1], Progress(), rest=True)
    store.close()
    took_s: dict[str, list[float]] = {survey_id: [] for survey_id in STARTED}
    for _ in range(STARTS):
        for survey_id in STARTED:
            cold, _ = joined(server, folder)
            begun_s = time.perf_counter()
            read = folded_survey(cold, survey_id).view(lambda state, _: len(state.snapshot().detections))
            took_s[survey_id].append(time.perf_counter() - begun_s)
            if read != count:
                raise ValueError(f"{survey_id} has {read} detections, not {count}")
            cold.close()
    stored, moved = (statistics.median(took_s[survey_id]) for survey_id in STARTED)
    print(
        f"\ncold start of {count} detections of {STARTED_DIMENSION} elements: {stored:.2f} s from the store, "
        f"{moved:.2f} s from blocks, ratio {moved / stored:.2f} (bar {SLOWEST_START})",
        flush=True,
    )


def labels(name: str, url: str, servers: Sequence[StoreProcess], seconds: float) -> None:
    """Print a row: the needs of a label, appended by eight writers to a survey each."""
    # a machine that does much besides answers late
    store, before = Store(url.partition("?")[0] + f"?replicas={int('replicas=1' in url)}"), Spent.of(servers)
    store.open()
    ends_s, took_s, lock = time.monotonic() + seconds, list[float](), threading.Lock()

    def write(number: int) -> None:
        survey_id = f"labels-{uuid.uuid4().hex[:6]}-{number}"
        Existence(store).create_survey(survey_id, b"e", b"", "")
        journal, at, own = Journal(store, survey_id), 1, list[float]()
        while time.monotonic() < ends_s:
            begun_s = time.perf_counter()
            label = Change(b"l" * LABEL_BYTES, b"")
            journal.append(label, expected=at, scope="SubmitLabels", request_id=uuid.uuid4().hex)
            own.append(time.perf_counter() - begun_s)
            at += 1
        with lock:
            took_s.extend(own)

    with ThreadPoolExecutor(WRITERS) as threads:
        list(threads.map(write, range(WRITERS)))
    spent = Spent.of(servers).row(before, len(took_s))
    print(f"| {name} | {len(took_s)} | {spent} | {statistics.median(took_s) * 1e3:.1f} ms |", flush=True)
    store.close()


def _replicas(primary: StoreProcess) -> int:
    with primary.client as client:
        return int(client.info("replication").get("slave0", {}).get("state") == "online")


if __name__ == "__main__":
    main()
