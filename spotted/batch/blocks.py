"""Blocks: the candidates of consecutive query rows, each a file that is complete or absent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from spotted.arrays import IntArray
from spotted.batch.evidence import Evidence, read_evidence
from spotted.batch.files import PlacedJob, read_arrays, write_arrays
from spotted.batch.snapshot import SNAPSHOT, Snapshot, manifest_digest, open_snapshot
from spotted.errors import PreconditionError
from spotted.ranking.ranker import Ranked, Ranker
from spotted.scoring.fusion import Fusion
from spotted.scoring.pair_scores import PairScores

BLOCKS = "blocks"


@dataclass(frozen=True, slots=True)
class Job(PlacedJob):
    """The candidates of one snapshot.

    >>> job = Job("/batch", "0" * 64, detections=2500, top_k=20, fusion=Fusion.PRODUCT, block_rows=1000)
    >>> job.count, job.name(2)
    (3, 'blocks/000002.npz')
    """

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
    evidence_digest: str = ""
    """Digest of the evidence beside the snapshot; "" for none."""

    @property
    def count(self) -> int:
        """Number of blocks."""
        return -(-self.detections // self.block_rows)

    def name(self, number: int) -> str:
        """File of a block."""
        return f"{BLOCKS}/{number:06}.npz"


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


def job_of(
    url: str,
    snapshot: Snapshot,
    *,
    top_k: int,
    fusion: Fusion,
    block_rows: int,
    evidence_digest: str = "",
) -> Job:
    """The candidates of an open snapshot. url: of the folder in which the snapshot is."""
    count = len(snapshot.gallery)
    return Job(url, snapshot.digest, count, top_k, fusion, block_rows, evidence_digest)


def compute_block(job: Job, number: int) -> None:
    """Rank the candidates of a block and write them; runs in any process with access to the place.

    Raises PreconditionError if snapshot or evidence are not those of the job.
    """
    if manifest_digest(job.place) != job.snapshot_digest:
        raise PreconditionError(f"{job.url}/{SNAPSHOT} changed during the batch; run the command again")
    start = number * job.block_rows
    queries = np.arange(start, min(start + job.block_rows, job.detections))
    block = _concatenated(queries, list(_ranker(job).top_k(queries, job.top_k, fusion=job.fusion)))
    write_arrays(
        job,
        job.name(number),
        queries=block.queries,
        counts=block.counts,
        compared=block.compared,
        rows=block.rows,
        visual=block.scores.visual,
        feasibility=block.scores.feasibility,
        fused=block.scores.fused,
    )


def read_block(job: Job, number: int) -> Block | None:
    """A finished block; None if it is absent or damaged.

    Raises PreconditionError if it belongs to another job.
    """
    columns = read_arrays(job, job.name(number))
    if columns is None:
        return None
    scores = PairScores(columns["visual"], columns["feasibility"], columns["fused"])
    return Block(columns["queries"], columns["counts"], columns["compared"], columns["rows"], scores)


def unfinished(job: Job) -> list[int]:
    """The numbers of the blocks that are absent or damaged. Raises PreconditionError like `read_block`."""
    return [number for number in range(job.count) if read_block(job, number) is None]


def evidence_of(job: Job) -> Evidence:
    """The evidence of a job beside its snapshot. Raises PreconditionError if it changed."""
    return read_evidence(job.place, job.evidence_digest) if job.evidence_digest else Evidence()


# a process that ranks many blocks of one survey prepares it once
@lru_cache(1)
def _ranker(job: Job) -> Ranker:
    evidence, gallery = evidence_of(job), open_snapshot(job.place.local(SNAPSHOT)).gallery
    return Ranker(replace(gallery, local=evidence.local, calibration=evidence.calibration))


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
