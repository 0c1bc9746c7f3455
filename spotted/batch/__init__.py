"""Candidates of all detections of very large surveys, computed by many processes.

snapshot  a survey as files that every process opens
blocks    the candidates of consecutive query rows, each block a file
engines   where blocks are computed: this machine, or a Ray cluster
listing   all blocks as one CSV of candidates

Blocks are computed by the functions of the scorer on the vectors that it sends, so their candidates equal the
scorer's.
"""

from spotted.batch.blocks import Block, Job, compute_block, job_of, read_block, sweep, unfinished
from spotted.batch.engines import BlockResult, Engine, LocalEngine, RayEngine, engine
from spotted.batch.listing import write_listing
from spotted.batch.snapshot import Snapshot, open_snapshot, take_snapshot

__all__ = [
    "Block",
    "BlockResult",
    "Engine",
    "Job",
    "LocalEngine",
    "RayEngine",
    "Snapshot",
    "compute_block",
    "engine",
    "job_of",
    "open_snapshot",
    "read_block",
    "sweep",
    "take_snapshot",
    "unfinished",
    "write_listing",
]
