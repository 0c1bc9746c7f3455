"""Blocks: the candidates of consecutive query rows, each a file that is complete or absent."""

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

# errors of numpy for a file that is truncated or not a block
UNREADABLE = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile)


@dataclass(frozen=True, slots=True)
class Job:
    """A batch over one snapshot; small, because it is sent with every block.

    >>> job = Job(Path("batch"), "0" * 64, detections=2500, top_k=20, fusion=Fusion.PRODUCT, block_rows=1000)
    >>> job.count, job.path(2).name
    (3, '000002.npz')
    """

    directory: Path
    """Directory of the batch."""
    snapshot_digest: str
    """Digest of the snapshot."""
    detections: int
    """Number of detections in the snapshot."""
    top_k: int
    """Number of candidates per query."""
    fusion: Fusion
    """Score that ranks them."""
    block_rows: int
    """Number of queries in one block."""

    @property
    def count(self) -> int:
        """Number of blocks."""
        return -(-self.detections // self.block_rows)

    @property
    def digest(self) -> str:
        """Digest of all inputs: blocks of equal digest and number are equal."""
        made_from = asdict(self) | {"directory": "", "version": __version__}
        return hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()

    @property
    def snapshot(self) -> Path:
        """Directory of the snapshot."""
        return snapshot_path(self.directory)

    def path(self, number: int) -> Path:
        """File of a block."""
        return blocks_path(self.directory) / f"{number:06}.npz"


@dataclass(frozen=True, slots=True)
class Block:
    """The candidates of consecutive query rows, concatenated query by query, best first.

    >>> scores = np.float32([0.9, 0.4, 0.8])
    >>> counts, rows = np.array([2, 1]), np.array([7, 3, 9])
    >>> block = Block(np.array([0, 1]), counts, counts, rows, PairScores(scores, scores, scores))
    >>> list(zip(block.query_of_each().tolist(), block.rows.tolist()))
    [(0, 7), (0, 3), (1, 9)]
    """

    queries: IntArray
    """(q,) rows of the queries."""
    counts: IntArray
    """(q,) number of candidates of each query."""
    compared: IntArray
    """(q,) number of detections compared with each query."""
    rows: IntArray
    """(m,) rows of the candidates; m is the sum of counts."""
    scores: PairScores

    def query_of_each(self) -> IntArray:
        """The query row of each candidate, (m,)."""
        return np.repeat(self.queries, self.counts)


def snapshot_path(directory: Path) -> Path:
    """Directory of the snapshot of a batch."""
    return directory / "snapshot"


def blocks_path(directory: Path) -> Path:
    """Directory of the blocks of a batch."""
    return directory / "blocks"


def job_of(snapshot: Snapshot, directory: Path, *, top_k: int, fusion: Fusion, block_rows: int) -> Job:
    """The batch over an open snapshot in its directory."""
    return Job(directory, snapshot.digest, len(snapshot.gallery), top_k, fusion, block_rows)


def compute_block(job: Job, number: int) -> None:
    """Rank the candidates of a block and write them; runs in any process with access to the folder.

    Raises PreconditionError if the snapshot is not that of the job.
    """
    snapshot = open_snapshot(job.snapshot)
    if snapshot.digest != job.snapshot_digest:
        raise PreconditionError(f"{job.snapshot} changed during the batch; run the command again")
    start = number * job.block_rows
    queries = np.arange(start, min(start + job.block_rows, job.detections))
    ranked = list(Ranker(snapshot.gallery).top_k(queries, job.top_k, fusion=job.fusion))
    _write(_concatenated(queries, ranked), job, number)


def read_block(job: Job, number: int) -> Block | None:
    """A finished block; None if it is absent or damaged.

    Raises PreconditionError if it belongs to another job.
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
            "Spotted; give the same options, another -o, or --fresh to start again"
        )
    return block


def unfinished(job: Job) -> list[int]:
    """The numbers of the blocks that are absent or damaged. Raises PreconditionError like `read_block`."""
    return [number for number in range(job.count) if read_block(job, number) is None]


def sweep(job: Job) -> None:
    """Remove partial files that interrupted attempts left beside the blocks."""
    for partial in blocks_path(job.directory).glob("*.partial"):
        partial.unlink(missing_ok=True)


def _concatenated(queries: IntArray, results: list[Ranked]) -> Block:
    visual, feasibility, fused = (
        np.concatenate([getattr(ranked.scores, score) for ranked in results])
        for score in ("visual", "feasibility", "fused")
    )
    return Block(
        queries,
        np.array([len(ranked.rows) for ranked in results], dtype=np.int64),
        np.array([ranked.compared for ranked in results], dtype=np.int64),
        np.concatenate([ranked.rows for ranked in results]),
        PairScores(visual, feasibility, fused),
    )


def _write(block: Block, job: Job, number: int) -> None:
    path = job.path(number)
    path.parent.mkdir(parents=True, exist_ok=True)
    # two attempts at once write equal files under different names
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
