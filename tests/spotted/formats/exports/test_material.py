from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from spotted.errors import AlreadyExistsError
from spotted.formats.exports.material import ExportFiles
from tests.spotted.formats.exports.surveys import made


def test_occasions_are_as_wanted_and_days_begin_at_midnight(tmp_path: Path) -> None:
    material = made(tmp_path, occasion_days=3)
    assert material.history().occasions == 4
    assert material.by_day().occasions == 10
    assert [history.occasions for history in material.by_side().values()] == [4, 4]
    assert material.station("ford_01#2") == "ford_01"
    assert material.station("idle") == "idle"


def test_animals_of_one_side_are_noted(tmp_path: Path) -> None:
    material = made(tmp_path)
    assert material.side_note() == ""
    one_sided = replace(material, individuals={"d3": "Asha", "d4": "Tau"})
    assert one_sided.side_note().startswith("1 individual seen only from the left and 1 only from the right")


def test_files_are_written_into_an_empty_directory(tmp_path: Path) -> None:
    files = ExportFiles({"a.csv": b"1", "b.csv": b"2"}, ())
    files.write(tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.csv", "b.csv"]
    with pytest.raises(AlreadyExistsError):
        files.write(tmp_path / "out")
    files.write(tmp_path / "out", overwrite=True)
