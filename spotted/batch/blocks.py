"""The candidates of some query rows at a time, each block a file that is whole or absent."""

from __future__ import annotations

import hashlib
import json
import uuid
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from spotted import __version__
from spotted.arrays import IntArray
from spotted.batch.snapshot import Snapshot, open_snapshot
from spotted.errors import PreconditionError
from spotted.ranking.ranker import Ranked, Ranker
from spotted.scoring.fusion import Fusion
from spotted.scoring.pair_scores import PairScores

# what a file that was cut off, or is no block, makes numpy raise
UNREADABLE = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile)


@dataclass(frozen=True, slots=True)
class Job:
    """What is asked of a snapshot, and where the answers go; small, as it travels with every block.

    snapshot_digest, detections: of the snapshot. block_rows: queries of one block.
    """

    directory: Path
    snapshot_digest: str
    detections: int
    top_k: int
    fusion: Fusion
    block_rows: int

    @property
    def count(self) -> int:
        """Number of blocks."""
        return -(-self.detections // self.block_rows)

    @property
    def digest(self) -> str:
        """What a block is made from: blocks of equal digest and number are equal."""
        made_from = asdict(self) | {"directory": "", "version": __version__}
        return hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()

    @property
    def snapshot(self) -> Path:
        """Where the snapshot lies."""
        return snapshot_path(self.directory)

    def path(self, number: int) -> Path:
        """Where a block lies."""
        return blocks_path(self.directory) / f"{number:06}.npz"


@dataclass(frozen=True, slots=True)
class Block:
    """The candidates of consecutive query rows, those of one query after those of the other, best first.

    queries: (q,) rows that ask. counts, compared: (q,) candidates listed, detections compared.
    rows: (m,) candidates, m the sum of counts. scores: of each.
    """

    queries: IntArray
    counts: IntArray
    compared: IntArray
    rows: IntArray
    scores: PairScores

    def query_of_each(self) -> IntArray:
        """The query row of each candidate, (m,)."""
        return np.repeat(self.queries, self.counts)


def snapshot_path(directory: Path) -> Path:
    """Where a batch's snapshot lies."""
    return directory / "snapshot"


def blocks_path(directory: Path) -> Path:
    """Where a batch's blocks lie."""
    return directory / "blocks"


def job_of(snapshot: Snapshot, directory: Path, *, top_k: int, fusion: Fusion, block_rows: int) -> Job:
    """What to ask of an opened snapshot in its batch's directory."""
    return Job(directory, snapshot.digest, len(snapshot.gallery), top_k, fusion, block_rows)


def compute_block(job: Job, number: int) -> None:
    """Find the candidates of a block and write them; runs in any process that sees the folder.

    Raises PreconditionError where the snapshot is not the one that was asked about.
    """
    snapshot = open_snapshot(job.snapshot)
    if snapshot.digest != job.snapshot_digest:
        raise PreconditionError(f"{job.snapshot} changed under the batch; run the command again")
    start = number * job.block_rows
    queries = np.arange(start, min(start + job.block_rows, job.detections))
    found = list(Ranker(snapshot.gallery).top_k(queries, job.top_k, fusion=job.fusion))
    _write(_gathered(queries, found), job, number)


def read_block(job: Job, number: int) -> Block | None:
    """A finished block; None where it is absent or damaged.

    Raises PreconditionError where it answers another question.
    """
    try:
        with job.path(number).open("rb") as content, np.load(content) as file:
            digest, columns = str(file["digest"]), {name: file[name] for name in file.files}
        scores = PairScores(columns["visual"], columns["feasibility"], columns["fused"])
        block = Block(columns["queries"], columns["counts"], columns["compared"], columns["rows"], scores)
    except UNREADABLE:
        return None
    if digest != job.digest:
        raise PreconditionError(
            f"{job.path(number)} was made from another snapshot, with other options or by another version of "
            "Spotted; give the same options, another -o, or --fresh to begin again"
        )
    return block


def unfinished(job: Job) -> list[int]:
    """The numbers of the blocks that are absent or damaged. Raises PreconditionError, as `read_block`."""
    return [number for number in range(job.count) if read_block(job, number) is None]


def sweep(job: Job) -> None:
    """Remove what tries that were broken off left beside the blocks."""
    for left in blocks_path(job.directory).glob("*.partial"):
        left.unlink(missing_ok=True)


def _gathered(queries: IntArray, found: list[Ranked]) -> Block:
    visual, feasibility, fused = (
        np.concatenate([getattr(ranked.scores, score) for ranked in found])
        for score in ("visual", "feasibility", "fused")
    )
    return Block(
        queries,
        np.array([len(ranked.rows) for ranked in found], dtype=np.int64),
        np.array([ranked.compared for ranked in found], dtype=np.int64),
        np.concatenate([ranked.rows for ranked in found]),
        PairScores(visual, feasibility, fused),
    )


def _write(block: Block, job: Job, number: int) -> None:
    path = job.path(number)
    path.parent.mkdir(parents=True, exist_ok=True)
    # a block that is tried twice at once is written twice under names of their own; both are the same
    partial = path.with_name(f"{path.stem}.{uuid.uuid4().hex}.partial")
    with partial.open("wb") as file:
        np.savez(
            file,
            digest=np.array(job.digest),
            queries=block.queries,
            counts=block.counts,
            compared=block.compared,
            rows=block.rows,
            visual=block.scores.visual,
            feasibility=block.scores.feasibility,
            fused=block.scores.fused,
        )
    partial.replace(path)
