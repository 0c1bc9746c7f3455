"""The blocks of a batch as one CSV of candidates, in the order of the detections."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from spotted.arrays import Float32Array, IntArray
from spotted.batch.blocks import Block, Job, evidence_of, read_block
from spotted.batch.snapshot import Snapshot
from spotted.errors import PreconditionError
from spotted.formats.csv_candidates import CandidateRow, candidate_row, write_candidates
from spotted.scoring import geometry
from spotted.scoring.feasibility import describe_journey, softened_journey
from spotted.scoring.local_pairs import LocalPairs

SAME_IMAGE = "two animals in one image"
LISTING = "candidates.csv"


def write_listing(snapshot: Snapshot, job: Job, name: str = LISTING) -> int:
    """Write the candidates of all blocks as CSV, one block in memory at a time; returns the number of rows.

    Raises PreconditionError if a block is not finished.
    """
    with tempfile.TemporaryDirectory(prefix="spotted-") as directory:
        path = Path(directory) / LISTING
        with path.open("w", newline="", encoding="utf-8") as file:
            count = write_candidates(file, _rows(snapshot, job))
        job.place.take(name, path)
    return count


def _rows(snapshot: Snapshot, job: Job) -> Iterator[CandidateRow]:
    ids, local = snapshot.detection_ids(), evidence_of(job).local
    for number in range(job.count):
        block = read_block(job, number)
        if block is None:
            raise PreconditionError(f"block {number} is not finished; run the command again")
        yield from _block_rows(snapshot, ids, block, local)


def _block_rows(
    snapshot: Snapshot, ids: list[str], block: Block, local: LocalPairs | None
) -> Iterator[CandidateRow]:
    queries = block.query_of_each()
    scores = block.scores
    columns = (queries, block.rows, scores.visual, scores.feasibility, scores.fused)
    matched = _matched(local, queries, block.rows)
    reasons = _reasons(snapshot, queries, block.rows)
    rank, before = 0, -1
    for query, row, visual, feasibility, fused, alike, marks in zip(
        *(c.tolist() for c in (*columns, *matched)), strict=True
    ):
        rank, before = (rank + 1 if query == before else 1), query
        yield candidate_row(
            ids[query],
            rank,
            ids[row],
            fused=fused,
            visual=visual,
            feasibility=None if math.isnan(feasibility) else feasibility,
            reason=next(reasons),
            local=None if math.isnan(alike) else alike,
            matched_marks=max(marks, 0),
        )


def _matched(local: LocalPairs | None, queries: IntArray, rows: IntArray) -> tuple[Float32Array, IntArray]:
    """Local score (NaN if unknown) and number of matched marks of each candidate."""
    if local is None:
        return np.full(len(rows), np.nan, np.float32), np.zeros(len(rows), np.int64)
    return local.scores_of(queries, rows), local.marks_of(queries, rows)


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
