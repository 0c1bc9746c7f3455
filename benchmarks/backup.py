"""Backup and restore of one large survey: sizes, seconds, and what a session adds.

    python -m benchmarks.backup [--detections 50000] [--dimension 1280]

Two real stores with fsync on every write; vectors as a backbone gives them that ends in a ReLU, and as one
that does not.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from services.common import process
from services.common.store.journal import Change, Journal
from services.common.store.store import Store
from services.common.survey.listing import Listing
from services.upkeep.backup.contents import read_contents
from services.upkeep.backup.restore import restore_survey
from services.upkeep.backup.write import BackedUp, Backups
from spotted import messages
from spotted.local import processes
from spotted.v1 import store_pb2, survey_pb2

BLOCK = 400
ANIMALS = 500
NOISE = 0.7


def main() -> None:
    """Plant, back up, check and restore a survey of each kind of vectors; print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backup", description=__doc__)
    parser.add_argument("--detections", type=int, default=50_000)
    parser.add_argument("--dimension", type=int, default=1280)
    options = parser.parse_args()
    print("| vectors | in the store | file | backup | check | restore |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as directory:
        members = [start(Path(directory) / name) for name in ("first", "second")]
        try:
            first, second = (opened(member) for member in members)
            for kind in ("rectified", "signed"):
                stored = plant(first, kind, options.detections, options.dimension)
                measure(first, second, kind, stored, Path(directory) / f"{kind}.spotted")
        finally:
            for member in members:
                processes.end(member)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\nlargest memory of this process: {peak:.0f} MiB")


def start(directory: Path) -> processes.Member:
    """A real store."""
    directory.mkdir()
    member = processes.start_store(directory, processes.free_port())
    processes.wait(member, directory / "store.log")
    return member


def opened(member: processes.Member) -> Store:
    """A connection to a store."""
    store = Store(f"redis://{member.address}/0")
    store.open()
    return store


def plant(store: Store, survey_id: str, detections: int, dimension: int) -> int:
    """A survey of photographs of some animals; the bytes of its journal."""
    rng = np.random.default_rng(0)
    looks = rng.normal(size=(ANIMALS, dimension)).astype(np.float32)
    journal, total = Journal(store, survey_id), 0
    Listing(store).enter(survey_id)

    def append(content: bytes) -> None:
        at = journal.length()
        journal.append(Change(content, b""), expected=at, scope="plant", request_id=str(at))

    append(store_pb2.SurveyEvent(survey=survey_pb2.Survey(survey_id=survey_id)).SerializeToString())
    for at in range(0, detections, BLOCK):
        event = block(rng, looks, range(at, min(at + BLOCK, detections)), survey_id)
        content = event.SerializeToString()
        total += len(content)
        append(content)
    return total


def block(rng: np.random.Generator, looks: np.ndarray, ids: range, kind: str) -> store_pb2.SurveyEvent:
    """Detections as the scorer stores them."""
    seen = looks[rng.integers(ANIMALS, size=len(ids))] + NOISE * rng.normal(size=(len(ids), looks.shape[1]))
    seen = np.maximum(seen, 0) if kind == "rectified" else seen
    rows = (seen / np.linalg.norm(seen, axis=1, keepdims=True)).astype(np.float16)
    made = [
        survey_pb2.Detection(
            detection_id=f"detection-{i:06}",
            camera_id=f"camera-{rng.integers(60):02}",
            captured_at=messages.timestamp(float(rng.integers(1_700_000_000, 1_710_000_000))),
            image_uri=f"photographs/{i:06}.jpg",
        )
        for i in ids
    ]
    added = store_pb2.DetectionsAdded(detections=made, embeddings=messages.tensor(rows))
    return store_pb2.SurveyEvent(detections=added)


def measure(first: Store, second: Store, survey_id: str, stored: int, path: Path) -> None:
    """Print a row of the table."""
    done, backup_s = back_up(first, survey_id, path)
    began_s = time.perf_counter()
    read_contents(path)
    check_s = time.perf_counter() - began_s
    began_s = time.perf_counter()
    restore_survey(second, path)
    restore_s = time.perf_counter() - began_s
    times = " | ".join(f"{s:.1f} s" for s in (backup_s, check_s, restore_s))
    print(f"| {survey_id} | {stored / 1e6:.1f} MB | {done.size_bytes / 1e6:.1f} MB | {times} |", flush=True)


def back_up(store: Store, survey_id: str, path: Path) -> tuple[BackedUp, float]:
    """A backup, and the seconds that it took."""
    began_s = time.perf_counter()
    done = Backups(store, now=process.now).back_up(survey_id, path)
    return done, time.perf_counter() - began_s


if __name__ == "__main__":
    main()
