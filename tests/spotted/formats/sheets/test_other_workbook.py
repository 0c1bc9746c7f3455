from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from spotted.errors import InvalidInputError
from spotted.formats.columns import Reading, read_mapped, resolve_columns
from spotted.formats.sheets import has_reader
from spotted.formats.sheets.other_workbook import read_other_workbook
from tests.spotted.formats.sheets.old_workbooks import Cell, write_ods, write_xls

needs_reader = pytest.mark.skipif(not has_reader(), reason="python-calamine, an extra, is not installed")
KINDS = [("a.ods", write_ods), ("a.xls", write_xls)]
ROWS: list[list[Cell]] = [
    ["Station", "Time", "Photo", "Lat", "Lon"],
    ["A1", datetime.fromisoformat("2020-03-24T11:21:46"), "Zo\u00eb.jpg", -24.5, 31.0],
    ["A2", datetime.fromisoformat("2020-03-25"), "2.jpg", -24.25, 31.5],
]
Write = Callable[[Path, list[list[Cell]]], Path]


@needs_reader
@pytest.mark.parametrize(("name", "write"), KINDS)
def test_cells_are_the_texts_that_a_person_sees(tmp_path: Path, name: str, write: Write) -> None:
    (grid,) = read_other_workbook(write(tmp_path / name, ROWS)).values()
    assert grid.rows[2] == ["A1", "2020-03-24 11:21:46", "Zo\u00eb.jpg", "-24.5", "31"]
    # a day in a column of times is its midnight
    assert grid.rows[3][1] == "2020-03-25 00:00:00"


@needs_reader
@pytest.mark.parametrize(("name", "write"), KINDS)
def test_a_workbook_of_another_program_becomes_a_survey(tmp_path: Path, name: str, write: Write) -> None:
    path = write(tmp_path / name, ROWS)
    reading = Reading("ridge", tmp_path, timezone="+02:00")
    imported = read_mapped(path, resolve_columns(path).columns, reading)
    assert [d.captured_at_s for d in imported.detections] == [1585041706.0, 1585087200.0]
    assert sorted(imported.survey.cameras) == ["A1", "A2"]


def is_refused(path: Path) -> bool:
    try:
        read_other_workbook(path)
    except InvalidInputError:
        return True
    return False


@needs_reader
@pytest.mark.parametrize(("name", "write"), KINDS)
def test_a_damaged_workbook_is_refused_or_read_and_nothing_else(
    tmp_path: Path, name: str, write: Write, capfd: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / name, ROWS)
    content, rng = path.read_bytes(), np.random.default_rng(3)
    refused = 0
    for length in (0, 9, 600, len(content) - 7, *[len(content)] * 40):
        damaged = bytearray(content[:length])
        for at in rng.integers(0, max(length, 1), 3 * bool(damaged)).tolist():
            damaged[at] = int(rng.integers(256))
        path.write_bytes(damaged)
        refused += is_refused(path)
    assert refused > 3
    # a reader that panics writes a trace past Python
    assert capfd.readouterr() == ("", "")


def test_without_the_extra_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spotted.formats.sheets.other_workbook.has_reader", lambda: False)
    with pytest.raises(InvalidInputError, match=r"needs python-calamine; pip install 'spotted\[sheets\]'"):
        read_other_workbook(tmp_path / "a.ods")
