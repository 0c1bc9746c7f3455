from __future__ import annotations

from pathlib import Path

import pytest

from spotted.errors import InvalidInputError
from spotted.formats.columns.records import Reading, read_records, side_of
from spotted.formats.columns.translated import Table
from spotted.formats.imported_survey import ImportedSurvey
from spotted.formats.problems import Problems
from spotted.formats.row import Row
from tests.spotted.published_tree import write_tree

COLUMNS = ("camera_id", "date", "clock", "folder", "image", "species", "individual_id")
ROWS = (
    ("A1", "24/03/2020", "11:21", "", "IMG_1.JPG", "Leopard", "Asha"),
    ("A2", "25/03/2020", "30/12/1899 13:05", "", "IMG_1", "leopard", "?"),
    ("A2", "25/03/2020", "", "", "IMG_2.JPG", "Leopard", ""),
    ("A2", "25/03/2020", "13:06", "", "IMG_3.JPG", "Blank", ""),
    ("A2", "25/03/2020", "13:06", "", "IMG_4.JPG", "", ""),
)


def read(root: Path, rows: tuple[tuple[str, ...], ...] = ROWS, **options: object) -> ImportedSurvey:
    made = [
        Row("a.csv", number, dict(zip(COLUMNS, cells, strict=True)), Problems())
        for number, cells in enumerate(rows, start=2)
    ]
    cameras = options.pop("cameras", None)
    assert cameras is None or isinstance(cameras, Table)
    return read_records(made, Reading("s", root, timezone="+02:00", **options), cameras=cameras)  # type: ignore[arg-type] # any field


def test_rows_become_detections_with_the_files_of_their_stations(tmp_path: Path) -> None:
    write_tree(tmp_path, ["a 1/IMG_1.JPG", "A2/IMG_1.JPG", "A2/IMG_2.JPG"])
    imported = read(tmp_path)
    assert [(d.camera_id, d.captured_at_s, d.individual_id) for d in imported.detections] == [
        ("A1", 1585041660.0, "Asha"),
        ("A2", 1585134300.0, ""),
        ("A2", None, ""),
    ]
    found = [picture.path and picture.path.relative_to(tmp_path).as_posix() for picture in imported.pictures]
    assert found == ["a 1/IMG_1.JPG", "A2/IMG_1.JPG", "A2/IMG_2.JPG"]
    notes = "\n".join(imported.notes)
    assert "2 rows skipped: no animal: Blank (1), (no species) (1)" in notes
    assert "1 row with a day but no time of day" in notes
    assert "dates are read as DD/MM/YYYY" in notes
    assert "read as an unknown animal" in notes


def test_totals_and_remarks_below_a_table_are_no_detections(tmp_path: Path) -> None:
    footers = (("Total", "", "", "", "5", "", "2"), ("Data collected by Jo", "", "", "", "", "", ""))
    imported = read(tmp_path, (*ROWS, *footers))
    assert imported.detections == read(tmp_path).detections
    assert any(
        "2 rows without a time and an image left out, such as row 7 ('Total')" in n for n in imported.notes
    )


def test_whole_numbers_of_days_are_midnight_beside_fractions(tmp_path: Path) -> None:
    days = [("A1", day, "", "", f"{n}.jpg", "", "") for n, day in enumerate(("43914.5", "43915"))]
    assert [d.captured_at_s for d in read(tmp_path, tuple(days)).detections] == [1585044000.0, 1585087200.0]


def test_a_file_in_the_folder_of_another_station_is_not_taken(tmp_path: Path) -> None:
    write_tree(tmp_path, ["A1/IMG_1.JPG"])
    found = [p.path for p in read(tmp_path).pictures]
    assert found == [tmp_path / "A1" / "IMG_1.JPG", None, None]


def test_cameras_that_differ_in_case_or_spaces_are_one_and_named(tmp_path: Path) -> None:
    rows = tuple(
        (camera, "24/03/2020", "11:21", "", f"{camera}.JPG", "", "") for camera in ("A1", "a1", "A 1", "A-1")
    )
    imported = read(tmp_path, rows)
    assert [d.camera_id for d in imported.detections] == ["A1", "A1", "A1", "A-1"]
    assert any("are read as one: 'a1' as 'A1', 'A 1' as 'A1'" in note for note in imported.notes)


def test_ids_stay_the_same_if_files_are_found_later_or_rows_are_added(tmp_path: Path) -> None:
    before = [d.detection_id for d in read(tmp_path).detections]
    write_tree(tmp_path, ["A1/IMG_1.JPG"])
    more = ("A3", "26/03/2020", "11:00", "", "IMG_9.JPG", "Leopard", "")
    assert [d.detection_id for d in read(tmp_path, (more, *ROWS)).detections][1:] == before


def test_rows_without_a_camera_take_the_station_of_their_folder(tmp_path: Path) -> None:
    rows = tuple(("", "24/03/2020", "11:21", f"North\\A{n}", f"IMG_{n}.JPG", "", "") for n in range(3))
    imported = read(tmp_path, rows)
    assert [d.camera_id for d in imported.detections] == ["A0", "A1", "A2"]
    assert any("stations by the pattern '*/{station}'" in note for note in imported.notes)
    assert {d.camera_id for d in read(tmp_path, rows, station="{station}").detections} == {"North"}


def test_cameras_of_a_table_are_found_whatever_their_case_and_separators(tmp_path: Path) -> None:
    known = {2: {"camera_id": "a-1", "x_m": "0", "y_m": "0"}, 3: {"camera_id": "A2", "x_m": "9", "y_m": "0"}}
    imported = read(tmp_path, cameras=Table("c.csv", known))
    assert [d.camera_id for d in imported.detections] == ["a-1", "A2", "A2"]
    with pytest.raises(InvalidInputError, match="'A1' is not in the table of cameras"):
        read(tmp_path, cameras=Table("c.csv", {3: known[3]}))


def test_several_species_and_unclear_dates_are_refused(tmp_path: Path) -> None:
    hyena = ("A1", "24/03/2020", "11:21", "", "IMG_1.JPG", "Hyena", "")
    with pytest.raises(InvalidInputError, match=r"several species in a\.csv: Leopard \(3\), Hyena \(1\)"):
        read(tmp_path, (*ROWS, hyena))
    assert len(read(tmp_path, (*ROWS, hyena), species="hyena").detections) == 1
    unclear = (("A1", "03/04/2020", "11:21", "", "IMG_1.JPG", "", ""),)
    with pytest.raises(InvalidInputError, match="day and month cannot be distinguished"):
        read(tmp_path, unclear)
    assert read(tmp_path, unclear, date_format="%m/%d/%Y").detections[0].captured_at_s == 1583313660.0


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("Left flank", "left"),
        ("R", "right"),
        ("LHS", "left"),
        ("derecha", "right"),
        ("both", ""),
        ("left, right", ""),
    ],
)
def test_a_side_is_read_if_one_is_named(text: str, side: str) -> None:
    assert side_of(Row("a.csv", 2, {"side": text}, Problems())) == side
