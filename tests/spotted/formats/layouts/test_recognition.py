from __future__ import annotations

from pathlib import Path

import pytest

from spotted.errors import InvalidInputError
from spotted.formats.layouts.recognition import (
    CAMTRAP_DP,
    CATALOGUE,
    HELP,
    PHOTOGRAPHS,
    PUBLISHED_SET,
    TABLES,
    recognise,
)
from spotted.formats.sheets import has_reader
from tests.spotted.camtrapdp_package import write_package
from tests.spotted.published_tree import write_tree

PUBLISHED_FILES = ("Asha/L/CAM1_2019-08-01_01-00-00.jpg", "No_ID/x_CAM2_20190801_030000_1.jpg")


def test_a_package_is_recognised_by_its_directory_and_by_its_descriptor(tmp_path: Path) -> None:
    write_package(tmp_path)
    for path in (tmp_path, tmp_path / "datapackage.json"):
        seen = recognise(path)
        assert (seen.layout, seen.path) == (CAMTRAP_DP, tmp_path)
        assert "datapackage.json" in seen.reason


def test_a_catalogue_is_recognised_by_its_file_name_or_its_columns(tmp_path: Path) -> None:
    (tmp_path / "catalogue.csv").write_text("path,identity\n")
    (tmp_path / "leopards.csv").write_text("﻿path;date;identity\r\n", encoding="utf-8")
    assert recognise(tmp_path).layout == CATALOGUE
    assert recognise(tmp_path / "leopards.csv").layout == CATALOGUE


def test_two_tables_are_recognised_and_one_of_them_is_refused_with_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "cameras.csv").write_text("camera_id,x_m,y_m\n")
    (tmp_path / "detections.csv").write_text("camera_id,timestamp\n")
    assert recognise(tmp_path).layout == TABLES
    with pytest.raises(InvalidInputError, match="one of two tables"):
        recognise(tmp_path / "cameras.csv")


def test_folders_of_animals_are_recognised_by_unknown_ones_and_cameras_in_names(tmp_path: Path) -> None:
    seen = recognise(write_tree(tmp_path / "set", PUBLISHED_FILES))
    assert seen.layout == PUBLISHED_SET
    assert "L, No_ID" in seen.reason


def test_a_folder_with_the_name_of_a_published_set_is_one(tmp_path: Path) -> None:
    write_tree(tmp_path / "LeopardID102", ["A/1.jpg"])
    assert recognise(tmp_path / "LeopardID102").layout == PUBLISHED_SET
    assert recognise(tmp_path).layout == PUBLISHED_SET


def test_folders_of_stations_are_never_taken_for_animals(tmp_path: Path) -> None:
    """A station taken for an animal would be wrong in silence."""
    tree = write_tree(tmp_path, ["North/CAM1_2019-08-01_01-00-00.jpg", "South/CAM2_2019-08-01_01-00-00.jpg"])
    assert recognise(tree).layout == PHOTOGRAPHS


def test_photographs_in_folders_are_recognised_by_the_first(tmp_path: Path) -> None:
    write_tree(tmp_path, ["A/deep/b.JPG", "notes.txt"])
    assert "A/deep/b.JPG" in recognise(tmp_path).reason


@pytest.mark.parametrize("name", ["notes.docx", "table.csv"])
def test_an_unknown_file_or_directory_is_refused_with_what_was_looked_for(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("colour,size\n")
    with pytest.raises(InvalidInputError, match="has no known layout") as refused:
        recognise(tmp_path)
    first, contents, *near = str(refused.value).splitlines()
    assert first.endswith("has no known layout")
    assert name in contents
    assert [line.split(",")[0].strip() for line in near[:3]].count("most like photographs") == 1
    assert HELP in near[3]
    assert max(map(len, near)) < 400
    with pytest.raises(InvalidInputError, match=r"columns are colour, size|file of another kind"):
        recognise(tmp_path / name)


def test_the_reason_why_the_only_table_is_not_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("colour,size\nred,3\n")
    for path in (tmp_path, tmp_path / "a.csv"):
        with pytest.raises(InvalidInputError, match=r"a\.csv: it is not clear which columns are camera"):
            recognise(path)


def test_an_empty_directory_is_said_to_be_empty(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="is empty; give a folder that contains photographs"):
        recognise(tmp_path)


def test_boxes_of_megadetector_beside_photographs_are_recognised_and_two_files_of_them_refused(
    tmp_path: Path,
) -> None:
    write_tree(tmp_path, ["A/1.jpg"])
    (tmp_path / "project.json").write_text("{}")
    (tmp_path / "md.json").write_text('{"images": [], "detection_categories": {"1": "animal"}}')
    for path in (tmp_path, tmp_path / "md.json"):
        seen = recognise(path)
        assert (seen.layout, seen.path, seen.boxes) == (PHOTOGRAPHS, tmp_path, tmp_path / "md.json")
    (tmp_path / "old.json").write_bytes((tmp_path / "md.json").read_bytes())
    with pytest.raises(InvalidInputError, match=r"md\.json, old\.json; give one"):
        recognise(tmp_path)


def test_tables_in_the_only_folder_of_an_archive_are_recognised_but_a_station_stays_a_station(
    tmp_path: Path,
) -> None:
    write_package(tmp_path / "zip" / "ridge")
    (tmp_path / "zip" / ".unpacked").touch()
    seen = recognise(tmp_path / "zip")
    assert (seen.layout, seen.path) == (CAMTRAP_DP, tmp_path / "zip" / "ridge")
    photographs = recognise(write_tree(tmp_path / "survey", ["StationA/1.jpg"]))
    assert (photographs.layout, photographs.path) == (PHOTOGRAPHS, tmp_path / "survey")


@pytest.mark.parametrize("name", ["leopards.xlsx", "leopards.xls", "leopards.ods"])
def test_a_damaged_workbook_is_named_before_anything_else(tmp_path: Path, name: str) -> None:
    if not name.endswith("x") and not has_reader():
        pytest.skip("python-calamine, an extra, is not installed")
    table = tmp_path / name
    table.write_bytes(b"\xd0\xcf\x11\xe0 cut short")
    for root in (table, tmp_path):
        with pytest.raises(InvalidInputError) as refused:
            recognise(root)
        assert str(refused.value).startswith(f"{table} cannot be read as a workbook: "), root
