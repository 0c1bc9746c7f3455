from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

from spotted.formats.exports import wildbook
from spotted.formats.exports.material import ExportFiles
from spotted.formats.exports.wildbook import wildbook_files
from tests.spotted.formats.exports.surveys import made


def rows_of(files: ExportFiles, name: str = "bulk_import.xlsx") -> list[dict[str, object]]:
    """The rows of a spreadsheet; a column is read as Wildbook names it."""
    sheet = openpyxl.load_workbook(io.BytesIO(files.contents[name])).active
    assert sheet is not None
    header, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(map(str, header), row, strict=True)) for row in rows]


def test_a_row_is_an_encounter_with_names_local_times_places_and_media(tmp_path: Path) -> None:
    first, *others = rows_of(wildbook_files(made(tmp_path)))
    assert first == {
        "Encounter.year": 2024,
        "Encounter.month": 6,
        "Encounter.day": 1,
        "Encounter.hour": 23,
        "Encounter.minutes": 30,
        "Encounter.genus": "Panthera",
        "Encounter.specificEpithet": "pardus",
        "Encounter.decimalLatitude": -24.5,
        "Encounter.decimalLongitude": 31.5,
        "Encounter.verbatimLocality": "ford_01",
        "Encounter.sex": "male",
        "Encounter.otherCatalogNumbers": "e1",
        "Encounter.researcherComments": "side: left",
        "MarkedIndividual.individualID": "Old Tau",
        "Encounter.mediaAsset0": "a_IMG_1.JPG",
        "Encounter.mediaAsset1": "IMG_2.JPG",
    }
    # two animals of one encounter are two rows; a name is never a formula
    shown = [(row["MarkedIndividual.individualID"], row["Encounter.mediaAsset0"]) for row in others]
    assert shown == [("Asha", "b_IMG_1.JPG"), ("Old Tau", "b_IMG_1.JPG"), ("=SUM(1)", "IMG_4.JPG")]


def test_files_of_one_name_are_told_apart_and_listed(tmp_path: Path) -> None:
    listed = csv.DictReader(wildbook_files(made(tmp_path)).contents["media.csv"].decode().splitlines())
    assert {row["media_asset"]: Path(row["file"]).relative_to(tmp_path).as_posix() for row in listed} == {
        "a_IMG_1.JPG": "a/IMG_1.JPG",
        "IMG_2.JPG": "a/IMG_2.JPG",
        "b_IMG_1.JPG": "b/IMG_1.JPG",
        "IMG_4.JPG": "b/IMG_4.JPG",
    }


def test_what_wildbook_requires_is_noted_if_it_is_missing(tmp_path: Path) -> None:
    material = made(tmp_path, species="")
    first, *rest = material.imported.pictures
    timeless = replace(first, detection=replace(first.detection, captured_at_s=None))
    pathless = replace(rest[0], path=None)
    imported = replace(material.imported, pictures=(timeless, pathless, *rest[1:]), positions_deg={})
    files = wildbook_files(replace(material, imported=imported))
    *left_out, species = files.notes
    assert left_out == [
        "Wildbook: 1 detection left out: without a time, which Wildbook requires",
        "Wildbook: 1 detection left out: without an image file",
        "Wildbook: 2 detections left out: without an individual",
    ]
    assert species.startswith("Wildbook: 3 encounters without a species; fill in Encounter.genus and")
    assert rows_of(files)[0]["Encounter.decimalLatitude"] is None


def test_many_encounters_are_several_spreadsheets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wildbook, "ROWS", 3)
    files = wildbook_files(made(tmp_path))
    assert sorted(files.contents) == ["bulk_import_1.xlsx", "bulk_import_2.xlsx", "media.csv"]
    assert [len(rows_of(files, f"bulk_import_{number}.xlsx")) for number in (1, 2)] == [3, 1]
