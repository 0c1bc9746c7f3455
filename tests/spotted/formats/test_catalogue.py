from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotted.errors import InvalidInputError
from spotted.formats.camera_table import NO_LOCATIONS
from spotted.formats.catalogue import CatalogueIds, read_catalogue, write_catalogue
from spotted.formats.imported_survey import ImportedSurvey
from spotted.survey import Side
from tests.spotted.published_tree import tiny_jpeg

ROW = {"image_id": "7", "identity": "anna", "path": "images/a.jpg", "date": "2019-08-01 23:11:05"}


def write(directory: Path, *rows: Mapping[str, str]) -> Path:
    """A catalogue with the columns of all rows, and a photograph for each path."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    directory.mkdir(exist_ok=True)
    path = directory / "catalogue.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    for number, row in enumerate(rows):
        image = directory / row.get("path", "none.jpg")
        image.parent.mkdir(exist_ok=True)
        image.write_bytes(tiny_jpeg(number, size=(200, 100)))
    return path


def note(imported: ImportedSurvey, words: str) -> str:
    (found,) = [text for text in imported.notes if words in text]
    return found


def test_a_row_is_a_detection_with_all_that_its_columns_say(tmp_path: Path) -> None:
    row = {**ROW, "camera": "C1", "orientation": "left", "encounter": "e1", "bbox": "[50, 20, 100, 40.0]"}
    (picture,) = read_catalogue(write(tmp_path, row), timezone="+02:00").pictures
    detection = picture.detection
    assert (detection.detection_id, detection.image_id) == ("7", "images/a.jpg")
    assert (detection.individual_id, detection.camera_id, detection.encounter_id) == ("anna", "C1", "e1")
    assert detection.side is Side.LEFT
    assert detection.captured_at_s == dt.datetime(2019, 8, 1, 21, 11, 5, tzinfo=dt.UTC).timestamp()
    assert picture.path == tmp_path / "images" / "a.jpg"
    assert picture.box == pytest.approx((0.25, 0.2, 0.5, 0.4))


@pytest.mark.parametrize("identity", ["unknown", "Unknown", "", "NaN"])
def test_an_unknown_animal_has_no_identity(tmp_path: Path, identity: str) -> None:
    (detection,) = read_catalogue(write(tmp_path, {**ROW, "identity": identity})).detections
    assert detection.individual_id == ""


@pytest.mark.parametrize(("column", "other"), [("path", "file"), ("identity", "animal")])
def test_a_missing_column_is_named_with_the_remedy(tmp_path: Path, column: str, other: str) -> None:
    renamed = {other if key == column else key: text for key, text in ROW.items()}
    with pytest.raises(
        InvalidInputError,
        match=f"lacks the column {column}; its columns are .*{other}.*; add the column or rename one",
    ):
        read_catalogue(write(tmp_path, renamed))


def test_a_missing_column_is_named_even_without_rows(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.csv"
    path.write_text("image_id,path\n")
    with pytest.raises(InvalidInputError, match="lacks the column identity"):
        read_catalogue(path)


def test_a_directory_without_a_catalogue_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"has no catalogue\.csv; give the path"):
        read_catalogue(tmp_path)


def test_wrong_values_are_listed_by_row_and_column(tmp_path: Path) -> None:
    rows = [
        ROW,
        {**ROW, "image_id": "8", "path": ""},
        {**ROW, "image_id": "9", "date": "01/08/2019"},
        {**ROW, "image_id": "10", "bbox": "10 20"},
        {**ROW, "image_id": "7", "identity": "ben"},
    ]
    path = tmp_path / "catalogue.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [*ROW, "bbox"])
        writer.writeheader()
        writer.writerows(rows)
    with pytest.raises(InvalidInputError) as found:
        read_catalogue(path)
    assert "row 3, path '' is missing" in str(found.value)
    assert "row 6, image_id '7' is also in row 2" in str(found.value)
    rows = [ROW, rows[2], rows[3]]
    with pytest.raises(InvalidInputError) as found:
        read_catalogue(write(tmp_path, *rows), strict=True)
    assert "row 3, date '01/08/2019' is not a date and time" in str(found.value)
    assert "row 4, bbox '10 20' is not a box" in str(found.value)


def test_an_image_outside_the_catalogues_folder_is_refused_unless_it_is_the_root(tmp_path: Path) -> None:
    path = write(tmp_path / "tables", {**ROW, "path": "../images/a.jpg"})
    with pytest.raises(InvalidInputError, match="lies outside"):
        read_catalogue(path)
    path = write(tmp_path / "tables", ROW)
    (picture,) = read_catalogue(path, images_root=tmp_path).pictures
    assert picture.path == tmp_path / "images" / "a.jpg"


@pytest.mark.parametrize("date", ["2019", "2019-08", "2019-08-01"])
def test_a_date_without_an_hour_is_no_time(tmp_path: Path, date: str) -> None:
    imported = read_catalogue(write(tmp_path, ROW, {**ROW, "image_id": "8", "date": date}))
    assert imported.detections[1].captured_at_s is None
    assert "1 date without an hour" in note(imported, "without an hour")


def test_dates_that_are_all_midnight_are_days_and_one_of_many_is_a_time(tmp_path: Path) -> None:
    midnight = {**ROW, "image_id": "8", "date": "2019-08-03 00:00:00"}
    days = read_catalogue(write(tmp_path, {**ROW, "date": "2019-08-01 00:00:00"}, midnight))
    assert [d.captured_at_s for d in days.detections] == [None, None]
    timed = read_catalogue(write(tmp_path, ROW, midnight))
    assert all(d.captured_at_s is not None for d in timed.detections)


def test_a_catalogue_without_dates_serves_visual_similarity_alone_and_says_so(tmp_path: Path) -> None:
    imported = read_catalogue(write(tmp_path, {"path": "a.jpg", "identity": "anna", "camera": "C1"}))
    assert "only visual similarity" in note(imported, "no time is known")
    assert not any("UTC" in text for text in imported.notes)
    assert imported.survey.cameras.keys() == {"C1"}


def test_cameras_beside_the_catalogue_give_the_places(tmp_path: Path) -> None:
    path = write(tmp_path, {**ROW, "camera": "C1"}, {**ROW, "image_id": "8", "camera": "C2"})
    assert NO_LOCATIONS in read_catalogue(path).notes
    (tmp_path / "cameras.csv").write_text("camera_id,x_m,y_m\nC1,0,0\nC2,30,40\n")
    imported = read_catalogue(tmp_path)
    assert imported.survey.extent().distance_m == 50.0
    assert NO_LOCATIONS not in imported.notes


def test_several_species_must_be_chosen_from_and_others_are_passed_over(tmp_path: Path) -> None:
    rows = [{**ROW, "species": "hyena"}, {**ROW, "image_id": "8", "species": "leopard"}]
    path = write(tmp_path, *rows)
    with pytest.raises(InvalidInputError, match=r"hyena \(1\), leopard \(1\); select one"):
        read_catalogue(path)
    with pytest.raises(
        InvalidInputError, match=r"no row of the catalogue has species 'lion'; species there: hyena"
    ):
        read_catalogue(path, species="lion")
    imported = read_catalogue(path, species="Leopard")
    assert [d.detection_id for d in imported.detections] == ["8"]
    assert "1 row skipped" in note(imported, "species")


def test_orientations_that_are_no_side_are_unknown_and_counted(tmp_path: Path) -> None:
    rows = [
        {**ROW, "image_id": str(i), "orientation": o} for i, o in enumerate(["top", "top", "R", "unknown"])
    ]
    imported = read_catalogue(write(tmp_path, *rows))
    assert [d.side for d in imported.detections] == [Side.UNKNOWN, Side.UNKNOWN, Side.RIGHT, Side.UNKNOWN]
    assert note(imported, "orientations").endswith("'top' (2)")


def test_two_rows_of_one_image_are_two_animals_in_it(tmp_path: Path) -> None:
    rows = [{**ROW, "bbox": "[0, 0, 90, 90]"}, {**ROW, "image_id": "8", "bbox": "[100, 0, 90, 90]"}]
    first, second = read_catalogue(write(tmp_path, *rows)).detections
    assert first.image_id == second.image_id
    assert first.detection_id != second.detection_id


@given(st.lists(st.sampled_from(["a.jpg", "b.jpg", "c/d.jpg"]), max_size=12))
def test_ids_made_from_paths_are_distinct_and_stay_while_rows_are_added(paths: list[str]) -> None:
    made, longer = CatalogueIds(), CatalogueIds()
    ids = [made.of({"path": path}) for path in paths]
    assert len(set(ids)) == len(ids)
    assert [longer.of({"path": path, "image_id": ""}) for path in [*paths, "z.jpg"]][:-1] == ids


def test_an_export_fills_identities_and_keeps_all_other_bytes(tmp_path: Path) -> None:
    path = tmp_path / "in" / "catalogue.csv"
    path.parent.mkdir()
    path.write_bytes(
        b'\xef\xbb\xbf,image_id,identity,path,own\r\n0,7,unknown,a.jpg,"x, y"\r\n1,8,ben,b.jpg,\r\n'
    )
    write_catalogue(path, tmp_path / "out", {"7": "ind-1", "8": ""})
    written = (tmp_path / "out" / "catalogue.csv").read_bytes()
    assert written == path.read_bytes().replace(b"unknown", b"ind-1")
    with pytest.raises(InvalidInputError, match="lacks 1 of the detections"):
        write_catalogue(path, tmp_path / "other", {"9": "ind-2"})
