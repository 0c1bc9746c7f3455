from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from spotted.errors import InvalidInputError
from spotted.formats.sheets.text import read_text

ROWS = {1: ["Estación", "Fecha"], 2: ["Río 1", "2024-05-01"], 3: ["Río 2", "2024-05-02"]}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252"])
def test_every_encoding_and_delimiter_gives_the_same_cells(
    tmp_path: Path, delimiter: str, encoding: str
) -> None:
    text = "\r\n".join(delimiter.join(cells) for cells in ROWS.values())
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    grid = read_text(tmp_path / "a.csv")
    assert grid.rows == ROWS
    assert bool(grid.notes) == (encoding == "cp1252")
    assert all("if 'Estación' is wrong" in note for note in grid.notes)
    assert grid.decimal_comma == (delimiter != ",")


def test_a_declared_delimiter_empty_rows_and_commas_in_texts_are_understood(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('sep=;\nid;note\n1;"a, b; c"\n;\n\n2;d, e, f\n\x1a')
    assert read_text(tmp_path / "a.csv").rows == {2: ["id", "note"], 3: ["1", "a, b; c"], 6: ["2", "d, e, f"]}


def test_a_compressed_table_is_read_and_its_start_is_enough_for_titles(tmp_path: Path) -> None:
    lines = ["id,name", *(f"{number},{'x' * 90}" for number in range(5000))]
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    assert len(read_text(tmp_path / "a.csv.gz").rows) == 5001
    started = read_text(tmp_path / "a.csv.gz", start=True).rows
    assert 100 < len(started) < 5001
    assert all(len(cells) == 2 for cells in started.values())


def test_a_file_that_is_no_text_or_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\x89PNG\0\0\0\xff")
    with pytest.raises(InvalidInputError, match="is no text; save it as CSV UTF-8"):
        read_text(tmp_path / "a.csv")
    (tmp_path / "b.csv.gz").write_bytes(b"no gzip")
    with pytest.raises(InvalidInputError, match="cannot be read"):
        read_text(tmp_path / "b.csv.gz")
    with pytest.raises(InvalidInputError, match="file not found"):
        read_text(tmp_path / "c.csv")
