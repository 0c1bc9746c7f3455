from __future__ import annotations

from pathlib import Path

import pytest

from spotted.formats.columns import Reading, read_mapped, resolve_columns
from spotted.formats.imported_survey import ImportedSurvey
from spotted.formats.layouts.programs import TIMELAPSE
from spotted.formats.layouts.recognition import recognise
from spotted.formats.layouts.timelapse import timelapse_columns
from spotted.formats.sheets import read_titles
from tests.spotted.published_tree import write_tree

PLAIN = (
    "RootFolder,File,RelativePath,DateTime,DeleteFlag\n"
    "Ridge,IMG_1.JPG,North\\A1,2020-03-24 11:21:46,false\n"
    "Ridge,IMG_1.JPG,North\\A2, 2020-03-25 11:21:46,false\n"
)
# with a template, from an older version
TEMPLATE = (
    "File,RelativePath,Folder,Date,Time,ImageQuality,Species,Individual,Flank,Count0,DeleteFlag\n"
    "IMG_1.JPG,North\\A1,Ridge,24-Mar-2020,11:21:46,Ok,Leopard,Asha,Left,1,false\n"
    "IMG_1.JPG,North\\A2,Ridge,25-Mar-2020,11:21:46,Ok,Leopard,,Right,1,false\n"
    "IMG_2.JPG,North\\A2,Ridge,25-Mar-2020,11:22:46,Ok,,,,0,false\n"
)


def read(table: Path) -> ImportedSurvey:
    (titles,) = read_titles(table)
    columns = resolve_columns(table, timelapse_columns(titles)).columns
    return read_mapped(table, columns, Reading("ridge", table.parent, timezone="+02:00"))


@pytest.mark.parametrize("text", [PLAIN, TEMPLATE])
def test_photographs_have_the_station_of_their_folder_with_and_without_a_template(
    tmp_path: Path, text: str
) -> None:
    write_tree(tmp_path, ["North/A1/IMG_1.JPG", "North/A2/IMG_1.JPG"])
    (tmp_path / "TimelapseData.csv").write_text(text)
    for path in (tmp_path, tmp_path / "TimelapseData.csv"):
        seen = recognise(path)
        assert (seen.layout, seen.path) == (TIMELAPSE, tmp_path / "TimelapseData.csv")
        assert "a table of Timelapse, because TimelapseData.csv has the columns" in seen.reason
    imported = read(tmp_path / "TimelapseData.csv")
    assert [(d.camera_id, d.captured_at_s) for d in imported.detections] == [
        ("A1", 1585041706.0),
        ("A2", 1585128106.0),
    ]
    assert [p.path and p.path.parent.name for p in imported.pictures] == ["A1", "A2"]


def test_columns_of_a_template_are_read_by_their_usual_names_and_others_named(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(TEMPLATE)
    imported = read(tmp_path / "t.csv")
    assert [(d.individual_id, d.side.name, d.species) for d in imported.detections] == [
        ("Asha", "LEFT", "Leopard"),
        ("", "RIGHT", "Leopard"),
    ]
    assert any(
        "columns not read: Folder, ImageQuality, Count0, DeleteFlag" in note for note in imported.notes
    )
    assert any("1 row skipped: no animal: (no species) (1)" in note for note in imported.notes)


def test_a_table_without_path_or_time_is_not_one_of_timelapse() -> None:
    assert not timelapse_columns(["File", "DateTime"])
    assert not timelapse_columns(["File", "RelativePath", "Date"])
