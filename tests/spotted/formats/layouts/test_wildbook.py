from __future__ import annotations

from pathlib import Path

import pytest
from openpyxl import Workbook

from spotted.errors import InvalidInputError
from spotted.formats.columns import Reading
from spotted.formats.imported_survey import ImportedSurvey
from spotted.formats.layouts.programs import WILDBOOK
from spotted.formats.layouts.recognition import recognise
from spotted.formats.layouts.wildbook import read_wildbook
from tests.spotted.published_tree import write_tree

TITLES = (
    "Encounter.mediaAsset0",
    "Encounter.mediaAsset1",
    "Encounter.year",
    "Encounter.month",
    "Encounter.day",
    "Encounter.hour",
    "Encounter.minutes",
    "Encounter.genus",
    "Encounter.specificEpithet",
    "Encounter.decimalLatitude",
    "Encounter.decimalLongitude",
    "Encounter.locationID",
    "MarkedIndividual.individualID",
    "Encounter.submitterID",
)
LEOPARD = ("Panthera", "pardus")
ROWS: tuple[tuple[object, ...], ...] = (
    ("a.jpg", "b.jpg", 2020, 3, 24, 11, 21, *LEOPARD, -24.5, 31.2, "Ridge", "Asha", "jo"),
    ("c.jpg", None, 2020, 3, 25, None, None, *LEOPARD, -24.6, 31.2, "Ford", "unidentified", "jo"),
    ("c.jpg", None, 2020, 3, None, None, None, *LEOPARD, -24.6, 31.2, "Ford", "Bela", "jo"),
)


def write(path: Path, rows: tuple[tuple[object, ...], ...] = ROWS) -> Path:
    made = Workbook()
    sheet = made.worksheets[0]
    sheet.append(list(TITLES))
    for row in rows:
        sheet.append(list(row))
    made.create_sheet("Help").append(["how to fill in"])
    made.save(path)
    return path


def read(path: Path, **options: str) -> ImportedSurvey:
    return read_wildbook(path, Reading("ridge", path.parent, timezone="+02:00", **options))  # type: ignore[arg-type] # texts


def test_each_media_file_is_a_detection_of_its_encounter(tmp_path: Path) -> None:
    write_tree(tmp_path, ["photos/a.jpg", "photos/b.jpg", "photos/c.jpg"])
    table = write(tmp_path / "bulk.xlsx")
    for path in (tmp_path, table):
        seen = recognise(path)
        assert (seen.layout, seen.path) == (WILDBOOK, table)
    imported = read(table)
    by_file = {
        (p.path.name if p.path else "", p.detection.individual_id): p.detection for p in imported.pictures
    }
    assert set(by_file) == {("a.jpg", "Asha"), ("b.jpg", "Asha"), ("c.jpg", ""), ("c.jpg", "Bela")}
    first, second = by_file["a.jpg", "Asha"], by_file["b.jpg", "Asha"]
    assert first.encounter_id == second.encounter_id == "a.jpg"
    assert (first.camera_id, first.captured_at_s, first.species) == ("Ridge", 1585041660.0, "Panthera pardus")
    # two animals in one image
    assert by_file["c.jpg", ""].image_id == by_file["c.jpg", "Bela"].image_id
    assert by_file["c.jpg", ""].captured_at_s is None
    notes = "\n".join(imported.notes)
    assert "columns not read: Encounter.submitterID" in notes
    assert "1 row with a day but no time of day" in notes


def test_a_place_with_several_positions_is_no_camera_but_each_position_is(tmp_path: Path) -> None:
    moved = tuple((*row[:9], -24.5 - n / 100, 31.2, "Reserve", *row[12:]) for n, row in enumerate(ROWS))
    imported = read(write(tmp_path / "bulk.xlsx", moved))
    assert set(imported.survey.cameras) == {"-24.5, 31.2", "-24.51, 31.2", "-24.52, 31.2"}
    assert any("places with several positions, such as 'Reserve'" in note for note in imported.notes)


def test_milliseconds_are_an_instant_whatever_the_zone_and_text_tables_are_read(tmp_path: Path) -> None:
    table = tmp_path / "bulk.csv"
    table.write_text(
        "Encounter.mediaAsset0,Encounter.dateInMilliseconds,Encounter.latitude,Encounter.longitude,"
        "Encounter.individualID\na.jpg,1585041660000,-24.5,31.2,Asha\n"
    )
    (detection,) = read(table).detections
    assert (detection.captured_at_s, detection.individual_id) == (1585041660.0, "Asha")


def test_wrong_values_and_missing_media_columns_are_named(tmp_path: Path) -> None:
    wrong = ((*ROWS[0][:3], 13, *ROWS[0][4:]), *ROWS[1:])
    with pytest.raises(
        InvalidInputError, match=r"bulk\.xlsx.* row 2, Encounter\.month '13' is outside 1 to 12"
    ):
        read(write(tmp_path / "bulk.xlsx", wrong))
    (tmp_path / "other.csv").write_text("Encounter.year\n2020\n")
    with pytest.raises(InvalidInputError, match=r"lacks the column Encounter\.mediaAsset0"):
        read(tmp_path / "other.csv")
    lion = ((*ROWS[0][:8], "leo", *ROWS[0][9:]), *ROWS[1:])
    with pytest.raises(InvalidInputError, match="several species"):
        read(write(tmp_path / "bulk.xlsx", lion))
    assert len(read(write(tmp_path / "bulk.xlsx", lion), species="panthera leo").detections) == 2
