"""Candidates as rows of a CSV: one form, whether a service or a batch found them."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import TextIO

COLUMNS = ("detection_id", "rank", "candidate_id", "fused", "visual", "feasibility", "reason")
CandidateRow = tuple[str, int, str, str, str, str, str]


def candidate_row(
    detection_id: str,
    rank: int,
    candidate_id: str,
    *,
    fused: float,
    visual: float,
    feasibility: float | None,
    reason: str,
) -> CandidateRow:
    """A candidate's cells; feasibility None, which is unknown, is an empty cell."""
    possible = "" if feasibility is None else f"{feasibility:.4f}"
    return detection_id, rank, candidate_id, f"{fused:.4f}", f"{visual:.4f}", possible, reason


def write_candidates(file: TextIO, rows: Iterable[CandidateRow]) -> int:
    """Write a header and rows as they come; answers how many rows.

    file: opened with newline="".
    """
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    count = 0
    for row in rows:
        writer.writerow(row)
        count += 1
    return count
