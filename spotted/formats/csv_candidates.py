"""Candidates as CSV rows, in the same form whether a service or a batch job ranked them."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import TextIO

COLUMNS = (
    "detection_id",
    "rank",
    "candidate_id",
    "fused",
    "visual",
    "feasibility",
    "local",
    "matched_marks",
    "reason",
)
CandidateRow = tuple[str, int, str, str, str, str, str, str, str]


def candidate_row(
    detection_id: str,
    rank: int,
    candidate_id: str,
    *,
    fused: float,
    visual: float,
    feasibility: float | None,
    reason: str,
    local: float | None = None,
    matched_marks: int = 0,
) -> CandidateRow:
    """The cells of a candidate; an unknown feasibility or local score (None) is an empty cell.

    >>> candidate_row("d1", 1, "d7", fused=0.61, visual=0.7, feasibility=None, reason="no position")
    ('d1', 1, 'd7', '0.6100', '0.7000', '', '', '', 'no position')
    """
    known = "" if feasibility is None else f"{feasibility:.4f}"
    marks = ("", "") if local is None else (f"{local:.4f}", str(matched_marks))
    return detection_id, rank, candidate_id, f"{fused:.4f}", f"{visual:.4f}", known, *marks, reason


def write_candidates(file: TextIO, rows: Iterable[CandidateRow]) -> int:
    """Write a header and the rows in the given order; returns the number of rows.

    file: opened with newline="".
    """
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    count = 0
    for row in rows:
        writer.writerow(row)
        count += 1
    return count
