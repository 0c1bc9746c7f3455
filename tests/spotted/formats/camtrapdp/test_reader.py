from __future__ import annotations

import csv
import io
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pyproj import Geod

from spotted.errors import InvalidInputError
from spotted.formats.camtrapdp.reader import read_camtrapdp, side_of_tags
from spotted.formats.imported_survey import ImportedSurvey
from spotted.survey import Side
from tests.spotted.camtrapdp_package import DEPLOYMENTS, START, WHOLE, write_package

Change = Callable[[dict[str, str]], None]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    write_package(tmp_path / "package")
    return tmp_path / "package"


def edit(package: Path, table: str, change: Change) -> None:
    """Change every row of a table in place."""
    path = package / f"{table}.csv"
    rows = list(csv.DictReader(io.StringIO(path.read_text(), newline="")))
    for row in rows:
        change(row)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), newline="")


def put(column: str, value: str, where: str, row_id: str) -> Change:
    def change(row: dict[str, str]) -> None:
        if row[where] == row_id:
            row[column] = value

    return change


def refusal(package: Path, *, species: str | None = None, strict: bool = False) -> str:
    with pytest.raises(InvalidInputError) as caught:
        read_camtrapdp(package, species=species, strict=strict)
    return str(caught.value)


def note(imported: ImportedSurvey, part: str) -> bool:
    return any(part in text for text in imported.notes)


def test_a_package_becomes_a_survey(package: Path) -> None:
    imported = read_camtrapdp(package)
    survey = imported.survey
    assert (survey.survey_id, survey.display_name) == ("drawn-hyenas", "Drawn hyenas")
    assert survey.start_s == START.timestamp()
    assert survey.end_s - survey.start_s == 5 * 86_400.0
    assert list(survey.cameras) == ["dep-a", "dep-b", "dep-c"]
    suspect = survey.cameras["dep-c"]
    assert (suspect.location_uncertainty_m, suspect.clock_suspect) == (100.0, True)
    assert not survey.cameras["dep-b"].clock_suspect
    first = imported.pictures[0]
    assert first.box == WHOLE
    assert first.path == package / "media" / "m01.png"
    assert first.detection.image_uri == str(first.path)
    assert first.detection.side is Side.LEFT
    assert first.detection.species == "Crocuta crocuta"
    assert first.detection.captured_at_s == START.timestamp() + 2 * 3_600.0
    assert (first.detection.detection_id, first.detection.image_id) == ("m01-1", "m01")
    assert (first.detection.encounter_id, first.detection.individual_id) == ("dep-a-2", "anna")


def test_every_image_of_the_package_can_be_opened(package: Path) -> None:
    for picture in read_camtrapdp(package).pictures:
        assert picture.path is not None
        with Image.open(picture.path) as image:
            image.load()


def test_camera_distances_are_those_on_the_ellipsoid(package: Path) -> None:
    cameras = read_camtrapdp(package).survey.cameras
    geod = Geod(ellps="WGS84")
    for a, lat_a, lon_a, _, _ in DEPLOYMENTS:
        for b, lat_b, lon_b, _, _ in DEPLOYMENTS:
            planar = np.hypot(
                (cameras[a].x_m or 0) - (cameras[b].x_m or 0), (cameras[a].y_m or 0) - (cameras[b].y_m or 0)
            )
            assert planar == pytest.approx(geod.inv(lon_a, lat_a, lon_b, lat_b)[2], rel=1e-3)


def test_the_notes_say_what_a_person_should_know(package: Path) -> None:
    imported = read_camtrapdp(package)
    assert note(imported, "projected to EPSG:32736")
    assert note(imported, "1 event with several animals in one image")
    assert note(imported, "1 of 3 cameras with a suspect clock")
    assert len(imported.notes) == 3


def test_media_without_time_and_deployments_without_place_are_unknown_not_wrong(package: Path) -> None:
    edit(package, "media", put("timestamp", "", "mediaID", "m01"))
    edit(package, "deployments", put("latitude", "", "deploymentID", "dep-a"))
    edit(package, "deployments", put("longitude", "", "deploymentID", "dep-a"))
    imported = read_camtrapdp(package)
    assert imported.detections[0].captured_at_s is None
    assert not imported.survey.cameras["dep-a"].has_position
    assert note(imported, "1 of 13 detections without a time; feasibility unknown")
    assert note(imported, "1 of 3 cameras without position, such as 'dep-a'")


def test_observations_that_are_no_single_animal_in_an_image_are_skipped_with_a_note(package: Path) -> None:
    edit(package, "observations", put("observationLevel", "event", "observationID", "m01-1"))
    edit(package, "observations", put("eventStart", "2024-06-01T01:00:00+02:00", "observationID", "m01-1"))
    edit(package, "observations", put("eventEnd", "2024-06-01T01:59:00+02:00", "observationID", "m01-1"))
    edit(package, "observations", put("mediaID", "", "observationID", "m01-1"))
    edit(package, "observations", put("count", "3", "observationID", "m02-1"))
    edit(package, "media", put("fileMediatype", "video/mp4", "mediaID", "m03"))
    imported = read_camtrapdp(package)
    assert len(imported.pictures) == 10
    assert note(imported, "1 observation skipped: event-based, without an image in the time")
    assert note(imported, "1 observation skipped: count above 1")
    assert note(imported, "1 observation skipped: videos")


def test_two_animals_without_boxes_in_one_image_are_noted(package: Path) -> None:
    for column in ("bboxX", "bboxY", "bboxWidth", "bboxHeight"):
        edit(package, "observations", put(column, "", "mediaID", "m06"))
    imported = read_camtrapdp(package)
    assert imported.pictures[4].box is None
    assert note(imported, "2 of 13 detections with the same image and box")


def test_several_species_need_a_choice_and_are_listed_with_counts(package: Path) -> None:
    edit(package, "observations", put("scientificName", "Panthera leo", "mediaID", "m06"))
    assert "Crocuta crocuta (11), Panthera leo (2); select one" in refusal(package)
    assert "'Panthera pardus'; species there: Crocuta crocuta (11)" in refusal(
        package, species="Panthera pardus"
    )
    imported = read_camtrapdp(package, species="panthera leo ")
    assert [d.detection_id for d in imported.detections] == ["m06-1", "m06-2"]
    assert note(imported, "11 observations skipped: other species")


def test_images_may_lie_elsewhere_and_absent_ones_are_noted(package: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    shutil.move(package / "media", disk / "media")
    assert note(read_camtrapdp(package), "11 image files missing, such as ")
    imported = read_camtrapdp(package, images_root=disk)
    assert imported.pictures[0].path == disk / "media" / "m01.png"
    assert not note(imported, "missing")


def test_windows_and_absolute_paths_inside_the_root_are_taken(package: Path) -> None:
    edit(package, "media", put("filePath", "media\\m01.png", "mediaID", "m01"))
    edit(package, "media", put("filePath", str(package / "media" / "m02.jpg"), "mediaID", "m02"))
    assert not note(read_camtrapdp(package), "missing")


@pytest.mark.parametrize(
    ("table", "column", "value", "row_id", "message"),
    [
        (
            "media",
            "timestamp",
            "2024-06-01T02:00:00",
            "m01",
            "media.csv row 2, timestamp '2024-06-01T02:00:00' has no",
        ),
        ("media", "filePath", "../../secret.jpg", "m01", "'../../secret.jpg' lies outside"),
        ("media", "filePath", "/etc/passwd", "m01", "'/etc/passwd' lies outside"),
        (
            "media",
            "deploymentID",
            "dep-z",
            "m01",
            "media.csv row 2, deploymentID 'dep-z' is not in the deployments",
        ),
        (
            "media",
            "deploymentID",
            "dep-b",
            "m01",
            "deploymentID 'dep-a' differs from that of its media file, 'dep-b'",
        ),
        (
            "media",
            "mediaID",
            "m02",
            "m01",
            "media.csv row 3, mediaID 'm02' is also in row 2, with other content",
        ),
        ("observations", "deploymentID", "dep-z", "m01-1", "'dep-z' is not in the deployments; add"),
        (
            "observations",
            "mediaID",
            "m99",
            "m01-1",
            "observations.csv row 2, mediaID 'm99' is not in the media",
        ),
        ("observations", "mediaID", "", "m01-1", "observations.csv row 2, mediaID '' is missing"),
        ("observations", "bboxX", "0.5", "m01-1", "bboxWidth '0.8' reaches beyond the image: 0.5 + 0.8 > 1"),
        ("observations", "bboxHeight", "0", "m01-1", "bboxHeight '0' leaves no area"),
        ("observations", "bboxX", "left", "m01-1", "bboxX 'left' is not a number"),
        ("observations", "count", "many", "m01-1", "count 'many' is not a number"),
        (
            "deployments",
            "latitude",
            "-124.9",
            "dep-a",
            "deployments.csv row 2, latitude '-124.9' is outside -90 to 90",
        ),
        (
            "deployments",
            "longitude",
            "",
            "dep-a",
            "longitude '' is missing; give both coordinates or neither",
        ),
        ("deployments", "timestampIssues", "maybe", "dep-a", "'maybe' is neither true nor false"),
        ("deployments", "coordinateUncertainty", "-5", "dep-a", "coordinateUncertainty '-5' is outside 0"),
        ("deployments", "deploymentEnd", "2024-05-01T00:00:00Z", "dep-a", "is before deploymentStart"),
    ],
)
def test_a_wrong_value_is_named_with_file_row_column_and_remedy(
    package: Path, table: str, column: str, value: str, row_id: str, message: str
) -> None:
    key = {"media": "mediaID", "observations": "observationID", "deployments": "deploymentID"}[table]
    edit(package, table, put(column, value, key, row_id))
    assert message in refusal(package)


def test_a_strict_import_refuses_a_detection_outside_its_deployment_with_both_instants(package: Path) -> None:
    edit(package, "media", put("timestamp", "2024-05-31T23:58:00+02:00", "mediaID", "m01"))
    edit(package, "media", put("timestamp", "2024-06-07T00:00:00+02:00", "mediaID", "m02"))
    message = refusal(package, strict=True)
    assert (
        "taken 2024-05-31T21:58:00+00:00, before its camera 'dep-a' started (2024-05-31T22:00:00+00:00)"
        in message
    )
    assert (
        "taken 2024-06-06T22:00:00+00:00, after its camera 'dep-a' ended (2024-06-05T22:00:00+00:00)"
        in message
    )


def test_within_a_minute_the_period_is_widened(package: Path) -> None:
    edit(package, "media", put("timestamp", "2024-05-31T23:59:30+02:00", "mediaID", "m01"))
    imported = read_camtrapdp(package)
    assert imported.survey.cameras["dep-a"].start_s == START.timestamp() - 30.0
    assert imported.survey.start_s == START.timestamp() - 30.0


def test_a_suspect_clock_outside_its_deployment_opens_the_period_and_leaves_the_survey(package: Path) -> None:
    edit(package, "media", put("timestamp", "2000-01-01T00:00:00+02:00", "mediaID", "m09"))
    imported = read_camtrapdp(package)
    assert imported.survey.cameras["dep-c"].start_s is None
    assert imported.survey.start_s == START.timestamp()
    assert note(imported, "images outside the period, such as 'dep-c'; the period is ignored")


def test_problems_of_all_tables_are_reported_at_once_one_line_a_cause(package: Path) -> None:
    edit(package, "deployments", lambda row: row.update(latitude="x"))
    edit(package, "media", lambda row: row.update(timestamp="yesterday"))
    message = refusal(package)
    assert message.startswith("14 problems of 2 causes:")
    first, second = message.splitlines()[1:]
    assert "deployments.csv row 2, latitude 'x' is not a number" in first
    assert first.endswith("(3 rows)")
    assert "media.csv row 2, timestamp 'yesterday' is not a date and time" in second
    assert second.endswith("(11 rows)")


def test_media_that_show_no_animal_are_not_checked(package: Path) -> None:
    edit(package, "media", put("timestamp", "never", "mediaID", "m04"))
    assert len(read_camtrapdp(package).pictures) == 13


def test_a_time_zone_given_places_times_without_offset(package: Path) -> None:
    expected = read_camtrapdp(package).detections
    edit(package, "media", lambda row: row.update(timestamp=row["timestamp"].removesuffix("+02:00")))
    assert read_camtrapdp(package, timezone="Africa/Johannesburg").detections == expected


def test_a_repeated_equal_row_counts_once(package: Path) -> None:
    path = package / "observations.csv"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines, lines[1]]), newline="")
    assert len(read_camtrapdp(package).pictures) == 13


@pytest.mark.parametrize("table", ["deployments", "media", "observations"])
def test_a_missing_table_or_column_is_named(package: Path, table: str) -> None:
    (package / f"{table}.csv").write_text("deploymentID\ndep-a\n")
    assert f"{table}.csv lacks the column" in refusal(package)
    (package / f"{table}.csv").unlink()
    assert "file not found:" in refusal(package)


@pytest.mark.parametrize(
    ("tags", "side"),
    [
        ("flank:left", Side.LEFT),
        ("bait:none | Flank: R ", Side.RIGHT),
        ("viewpoint:front", Side.FRONT),
        ("travelDirection:left", Side.UNKNOWN),
        ("flank:left|flank:right", Side.UNKNOWN),
        ("flank:left|side:l", Side.LEFT),
        ("flank:both", Side.UNKNOWN),
        ("left", Side.UNKNOWN),
        ("", Side.UNKNOWN),
    ],
)
def test_tags_give_the_side(tags: str, side: Side) -> None:
    assert side_of_tags(tags) is side


def test_twenty_thousand_observations_are_read_in_seconds(package: Path) -> None:
    tables = {t: (package / f"{t}.csv").read_text().splitlines() for t in ("media", "observations")}
    repeats = 20_000 // 13 + 1
    for table, lines in tables.items():
        repeated = (
            line.replace("m0", f"{number}-m0").replace("m1", f"{number}-m1")
            for number in range(repeats)
            for line in lines[1:]
        )
        (package / f"{table}.csv").write_text("\n".join([lines[0], *repeated]) + "\n")
    started = time.process_time()
    imported = read_camtrapdp(package)
    assert len(imported.pictures) == 13 * repeats >= 20_000
    # about a second on a laptop; the bound only catches a quadratic mistake
    assert time.process_time() - started < 12.0


def as_events(package: Path) -> None:
    """The observations of single animals without their images."""
    edit(package, "observations", lambda row: row.update(observationLevel="event", mediaID=""))


def test_event_based_observations_become_the_images_of_their_time(package: Path) -> None:
    expected = {d.image_id: d.individual_id for d in read_camtrapdp(package).detections}
    as_events(package)
    imported = read_camtrapdp(package)
    # two images show two animals each, and none says which
    assert len(imported.detections) == 9
    assert note(imported, "4 observations skipped: event-based, several in the same images")
    assert all(expected[d.image_id] == d.individual_id for d in imported.detections)
    assert imported.detections[0].detection_id == "m01-1:m01"
    assert imported.pictures[0].path == package / "media" / "m01.png"


def test_names_that_mean_unknown_are_no_animal(package: Path) -> None:
    edit(package, "observations", put("individualID", "UNID", "individualID", "anna"))
    imported = read_camtrapdp(package)
    assert "anna" not in {d.individual_id for d in imported.detections}
    assert note(imported, "individualID 'UNID' is read as an unknown animal (5 rows)")


def test_images_with_urls_are_found_by_their_file_names(package: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk" / "deep"
    shutil.copytree(package / "media", disk)
    expected = [(p.path.name if p.path else "") for p in read_camtrapdp(package).pictures]

    def to_url(row: dict[str, str]) -> None:
        row["fileName"] = Path(row["filePath"]).name
        row["filePath"] = f"https://example.org/assets/{row['mediaID']}/file"

    edit(package, "media", to_url)
    imported = read_camtrapdp(package, images_root=tmp_path / "disk")
    assert [(p.path.name if p.path else "") for p in imported.pictures] == expected
    shutil.rmtree(disk)
    shutil.rmtree(package / "media")
    unfound = read_camtrapdp(package, images_root=tmp_path / "disk")
    assert note(unfound, "is a URL, and no file 'm01.png' lies below")
    assert {p.path for p in unfound.pictures} == {None}


def test_one_photograph_without_a_believable_time_is_kept_without_one(package: Path) -> None:
    edit(package, "media", put("timestamp", "0000-00-00 00:00:00", "mediaID", "m01"))
    imported = read_camtrapdp(package)
    assert [d.detection_id for d in imported.detections if d.captured_at_s is None] == ["m01-1"]
    assert note(imported, "media.csv row 2, timestamp '0000-00-00 00:00:00' is not a date and time")
    assert "media.csv row 2" in refusal(package, strict=True)


def test_tables_as_spreadsheets_save_them_are_read_alike(package: Path) -> None:
    expected = read_camtrapdp(package)
    for table in ("deployments", "media", "observations"):
        path = package / f"{table}.csv"
        rows = list(csv.reader(io.StringIO(path.read_text(), newline="")))
        text = io.StringIO(newline="")
        writer = csv.writer(text, delimiter=";")
        writer.writerow([*rows[0], "habitat, notes, and more, in all its variety, as seen"])
        writer.writerows([*rows[1:], [""] * (len(rows[0]) + 1)])
        path.write_text(f"\ufeffsep=;\r\n{text.getvalue()}", newline="")
    assert read_camtrapdp(package) == expected


def test_deployments_of_one_location_are_one_station(package: Path) -> None:
    path = package / "deployments.csv"
    rows = list(csv.DictReader(io.StringIO(path.read_text(), newline="")))
    for row in rows:
        row["locationID"] = "other" if row["deploymentID"] == "dep-c" else "pair"
        row["latitude"], row["longitude"] = rows[0]["latitude"], rows[0]["longitude"]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), newline="")
    read = read_camtrapdp(package)
    stations = {"dep-a": "pair", "dep-b": "pair", "dep-c": "other"}
    assert {i: camera.station for i, camera in read.survey.cameras.items()} == stations
    assert "1 station with several cameras, such as 'pair' ('dep-a', 'dep-b')" in read.notes


def test_a_declared_delimiter_is_used(package: Path) -> None:
    expected = read_camtrapdp(package)
    path = package / "media.csv"
    path.write_text(path.read_text().replace(",", "|"), newline="")
    descriptor = json.loads((package / "datapackage.json").read_text())
    descriptor["resources"][1]["dialect"] = {"delimiter": "|"}
    (package / "datapackage.json").write_text(json.dumps(descriptor))
    assert read_camtrapdp(package) == expected


def test_a_package_in_utf_16_is_that_in_utf_8(package: Path) -> None:
    expected = read_camtrapdp(package)
    for table in ("deployments", "media", "observations"):
        path = package / f"{table}.csv"
        path.write_text(path.read_text(), encoding="utf-16", newline="")
    assert read_camtrapdp(package) == expected
