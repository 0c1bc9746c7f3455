from __future__ import annotations

import csv
import io

from spotted.formats.csv_candidates import COLUMNS, candidate_row, write_candidates


def test_a_row_has_a_cell_for_each_column_and_an_unknown_feasibility_is_empty() -> None:
    known = candidate_row("a", 1, "b", fused=0.5, visual=1 / 3, feasibility=1.0, reason="same camera c")
    assert known == ("a", 1, "b", "0.5000", "0.3333", "1.0000", "", "", "same camera c")
    assert len(known) == len(COLUMNS)
    unknown = candidate_row("a", 1, "b", fused=0.5, visual=0.5, feasibility=None, reason="unknown")
    assert unknown[COLUMNS.index("feasibility")] == ""
    matched = candidate_row(
        "a", 1, "b", fused=0.5, visual=0.5, feasibility=None, reason="unknown", local=0.0, matched_marks=0
    )
    cells = dict(zip(COLUMNS, matched, strict=True))
    assert (cells["local"], cells["matched_marks"]) == ("0.0000", "0")


def test_what_is_written_reads_back_whatever_the_ids_hold() -> None:
    rows = [
        candidate_row(i, 1, 'say "b", b', fused=0.0, visual=0.0, feasibility=None, reason="x")
        for i in ("a,b", "ü;é")
    ]
    file = io.StringIO(newline="")
    assert write_candidates(file, iter(rows)) == 2
    read = list(csv.reader(io.StringIO(file.getvalue(), newline="")))
    assert read == [list(COLUMNS), *([str(cell) for cell in row] for row in rows)]
