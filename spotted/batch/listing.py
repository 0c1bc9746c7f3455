"""The blocks of a batch as one CSV of candidates, in the order of the detections."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from spotted.arrays import IntArray
from spotted.batch.blocks import Block, Job, read_block
from spotted.batch.snapshot import Snapshot
from spotted.errors import PreconditionError
from spotted.formats.csv_candidates import CandidateRow, candidate_row, write_candidates
from spotted.scoring import geometry
from spotted.scoring.feasibility import describe_journey, softened_journey

SAME_IMAGE = "two animals in one image"


def write_listing(snapshot: Snapshot, job: Job, path: Path) -> int:
    """Write the candidates of all blocks as CSV, one block in memory at a time; returns the number of rows.

    Raises PreconditionError if a block is not finished.
    """
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("w", newline="", encoding="utf-8") as file:
        count = write_candidates(file, _rows(snapshot, job))
    partial.replace(path)
    return count


def _rows(snapshot: Snapshot, job: Job) -> Iterator[CandidateRow]:
    ids = snapshot.detection_ids()
    for number in range(job.count):
        block = read_block(job, number)
        if block is None:
            raise PreconditionError(f"block {number} is not finished; run the command again")
        yield from _block_rows(snapshot, ids, block)


def _block_rows(snapshot: Snapshot, ids: list[str], block: Block) -> Iterator[CandidateRow]:
    queries = block.query_of_each()
    scores = block.scores
    columns = (queries, block.rows, scores.visual, scores.feasibility, scores.fused)
    reasons = _reasons(snapshot, queries, block.rows)
    rank, before = 0, -1
    for query, row, visual, feasibility, fused in zip(*(c.tolist() for c in columns), strict=True):
        rank, before = (rank + 1 if query == before else 1), query
        yield candidate_row(
            ids[query],
            rank,
            ids[row],
            fused=fused,
            visual=visual,
            feasibility=None if math.isnan(feasibility) else feasibility,
            reason=next(reasons),
        )


def _reasons(snapshot: Snapshot, queries: IntArray, rows: IntArray) -> Iterator[str]:
    gallery = snapshot.gallery
    camera_ids, stations = (*snapshot.camera_ids, ""), (*snapshot.stations, "")
    distance, gap = softened_journey(gallery.table, queries, rows, gallery.params)
    together = geometry.same_image(gallery.table, queries, rows)
    # index -1 is the last id: no camera
    camera_index = snapshot.camera[queries], snapshot.camera[rows]
    doubted = geometry.gap_doubted(gallery.table, queries, rows, gallery.extent)
    columns = (distance, gap, doubted, together, *camera_index)
    for metres, seconds, wrong, one_image, first, second in zip(*(a.tolist() for a in columns), strict=True):
        cameras = camera_ids[first], camera_ids[second]
        station = stations[first] if first != second and stations[first] == stations[second] else ""
        journey = metres, seconds, cameras, gallery.params, station
        yield SAME_IMAGE if one_image else describe_journey(*journey, doubted=wrong)
