from __future__ import annotations

from pathlib import Path

import pytest

from spotted.errors import InvalidInputError
from spotted.formats.csv_survey import DetectionIds, read_csv_survey, write_csv_survey
from spotted.formats.imported_survey import ImportedSurvey
from spotted.survey import Side

CAMERAS = (
    "camera_id,x_m,y_m,start,end,location_uncertainty_m,clock_suspect\n"
    "A,0,0,2024-06-01,2024-06-03,25,\n"
    "B,3000,4000,,,,true\n"
)
DETECTIONS = (
    "camera_id,timestamp,image,side,encounter_id,individual_id,box_x,box_y,box_width,box_height,species\n"
    "A,2024-06-01T10:00Z,a/1.jpg,left,e1,anna,0.1,0.1,0.5,0.5,Panthera pardus\n"
    "A,2024-06-01T10:00Z,a/1.jpg,R,e1,ben,0.5,0.1,0.5,0.5,Panthera pardus\n"
    "B,2024-06-02T10:00Z,,,,,,,,,Panthera pardus\n"
)


def read(
    directory: Path, cameras: str = CAMERAS, detections: str = DETECTIONS, timezone: str | None = "UTC"
) -> ImportedSurvey:
    (directory / "cameras.csv").write_text(cameras)
    (directory / "detections.csv").write_text(detections)
    return read_csv_survey(directory / "cameras.csv", directory / "detections.csv", timezone=timezone)


def refusal(directory: Path, cameras: str = CAMERAS, detections: str = DETECTIONS) -> str:
    with pytest.raises(InvalidInputError) as caught:
        read(directory, cameras, detections, timezone=None)
    return str(caught.value)


def test_two_tables_become_a_survey(tmp_path: Path) -> None:
    imported = read(tmp_path)
    first, second, third = imported.pictures
    camera = imported.survey.cameras["A"]
    assert (camera.x_m, camera.location_uncertainty_m, camera.clock_suspect) == (0.0, 25.0, False)
    assert (camera.end_s or 0) - (camera.start_s or 0) == 3 * 86_400.0
    assert imported.survey.cameras["B"].clock_suspect
    assert imported.survey.extent().distance_m == 5_000.0
    assert first.path == tmp_path / "a" / "1.jpg"
    assert first.box == (0.1, 0.1, 0.5, 0.5)
    assert [p.detection.side for p in imported.pictures] == [Side.LEFT, Side.RIGHT, Side.UNKNOWN]
    assert [p.detection.species for p in imported.pictures] == ["Panthera pardus"] * 3
    assert first.detection.image_id == second.detection.image_id == "a/1.jpg"
    assert (first.detection.encounter_id, first.detection.individual_id) == ("e1", "anna")
    assert (third.path, third.detection.image_id, third.detection.image_uri) == (None, "", "")
    assert "1 of 3 detections without the path of an image; they cannot be embedded" in imported.notes


def test_latitude_and_longitude_are_projected(tmp_path: Path) -> None:
    imported = read(tmp_path, "camera_id;latitude;longitude\nA;-25;31.5\nB;-25;31.6\nC;;\n")
    assert imported.survey.extent().distance_m == pytest.approx(10_089.0, rel=1e-3)
    assert not imported.survey.cameras["C"].has_position
    assert "latitude and longitude projected to EPSG:32736" in imported.notes


def test_degrees_in_the_columns_of_metres_are_noticed(tmp_path: Path) -> None:
    imported = read(tmp_path, "camera_id,x_m,y_m\nA,31.5,-25\nB,31.6,-25\n")
    assert any("look like degrees" in note for note in imported.notes)


def test_real_captures_are_read_with_their_time_zone(real_files: Path) -> None:
    for survey, zone, counts in (
        ("belize_jaguars", "America/Belize", (20, 334, 29)),
        ("nagarahole_tigers", "Asia/Kolkata", (162, 355, 86)),
    ):
        directory = real_files / "captures" / survey
        imported = read_csv_survey(directory / "cameras.csv", directory / "detections.csv", timezone=zone)
        individuals = {d.individual_id for d in imported.detections}
        assert (len(imported.survey.cameras), len(imported.pictures), len(individuals)) == counts
        assert len({d.detection_id for d in imported.detections}) == counts[1]
        assert imported.survey.survey_id == survey
        with pytest.raises(InvalidInputError, match="has no time zone"):
            read_csv_survey(directory / "cameras.csv", directory / "detections.csv")


def test_derived_ids_depend_on_content_only(tmp_path: Path) -> None:
    ids = [d.detection_id for d in read(tmp_path).detections]
    assert len(set(ids)) == 3
    lines = DETECTIONS.splitlines()
    turned = "\n".join([lines[0], "A,2024-06-01T11:00Z,b.jpg,,,,,,,,Panthera pardus", *reversed(lines[1:])])
    assert [d.detection_id for d in read(tmp_path, detections=turned).detections][1:] == ids[::-1]
    known = DETECTIONS.replace("anna", "bella").replace("left", "right")
    assert [d.detection_id for d in read(tmp_path, detections=known).detections] == ids


def test_rows_that_agree_in_all_are_counted_and_own_ids_kept() -> None:
    ids = DetectionIds()
    given = [{"camera_id": "A"}, {"camera_id": "A"}, {"camera_id": "A", "detection_id": " mine "}]
    first, second, own = (ids.of(cells) for cells in given)
    assert (second, own) == (f"{first}-2", "mine")


def test_a_lone_detection_without_periods_spans_a_day(tmp_path: Path) -> None:
    imported = read(tmp_path, "camera_id,x_m,y_m\nA,0,0\n", "camera_id,timestamp\nA,1970-01-02T00:00Z\n")
    assert (imported.survey.start_s, imported.survey.end_s) == (86_400.0, 2 * 86_400.0)


def test_an_empty_table_of_detections_is_a_survey_with_a_note(tmp_path: Path) -> None:
    imported = read(tmp_path, detections="camera_id,timestamp\n")
    assert imported.pictures == ()
    assert "no detection found" in imported.notes
    assert "the survey has no date" in refusal(tmp_path, "camera_id,x_m,y_m\n", "camera_id,timestamp\n")


def test_a_detection_without_camera_or_time_is_unknown_not_wrong(tmp_path: Path) -> None:
    imported = read(tmp_path, detections="camera_id,timestamp\n,2024-06-01T10:00Z\nA,\n")
    assert "1 detection without a camera; feasibility unknown" in imported.notes
    assert "1 of 2 detections without a time; feasibility unknown" in imported.notes


@pytest.mark.parametrize(
    ("detections", "message"),
    [
        ("camera_id,timestamp\nZ,2024-06-01T10:00Z\n", "row 2, camera_id 'Z' is not in the table of cameras"),
        ("camera_id,timestamp\nB,2024-06-01T10:00\n", "'2024-06-01T10:00' has no time zone"),
        ("camera_id,timestamp,image\nB,2024-06-01T10:00Z,../x.jpg\n", "'../x.jpg' lies outside"),
        ("camera_id,timestamp,box_x\nB,2024-06-01T10:00Z,0.5\n", "box_y '' is missing; a box needs"),
        (
            "detection_id,camera_id,timestamp\nd,B,2024-06-01T10:00Z\nd,B,2024-06-01T11:00Z\n",
            "row 3, detection_id 'd' is also in row 2, with other content",
        ),
        ("camera_id\nB\n", "lacks the column timestamp"),
    ],
)
def test_a_wrong_detection_is_named(tmp_path: Path, detections: str, message: str) -> None:
    cameras = "camera_id,x_m,y_m\nA,0,0\nB,1,1\n"
    assert message in refusal(tmp_path, cameras, detections)


@pytest.mark.parametrize(
    ("cameras", "message"),
    [
        ("camera_id\nA\n", "neither x_m and y_m nor latitude and longitude"),
        ("camera_id,x_m,y_m\nA,0,\n", "y_m '' is missing; give both"),
        ("camera_id,x_m,y_m\nA,0,0\nA,1,0\n", "camera_id 'A' is also in row 2"),
        ("camera_id,x_m,y_m,start\nA,0,0,2024-06-01\n", "start '2024-06-01' has no time zone"),
        ("camera_id,latitude,longitude\nA,95,0\n", "latitude '95' is outside -90 to 90"),
    ],
)
def test_a_wrong_camera_is_named(tmp_path: Path, cameras: str, message: str) -> None:
    assert message in refusal(tmp_path, cameras)


def test_a_detection_before_its_camera_started_is_noted_and_refused_if_strict(tmp_path: Path) -> None:
    said = "detections.csv row 2: taken 2024-05-31T10:00:00+00:00, before its camera 'A' started"
    (noted,) = [
        n for n in read(tmp_path, detections="camera_id,timestamp\nA,2024-05-31T10:00Z\n").notes if said in n
    ]
    assert "the period is extended" in noted
    with pytest.raises(InvalidInputError, match="before its camera 'A' started"):
        read_csv_survey(tmp_path / "cameras.csv", tmp_path / "detections.csv", timezone="UTC", strict=True)


def test_one_species_of_a_table_has_to_be_chosen(tmp_path: Path) -> None:
    detections = (
        "camera_id,timestamp,species,individual_id\n"
        "A,2024-06-01T10:00Z,leopard,M1\n"
        "B,2024-06-01T10:00Z,lion,M1\n"
        "A,2024-06-02T10:00Z,Leopard ,M1\n"
    )
    assert "several species in detections.csv: leopard (2), lion (1); select one" in refusal(
        tmp_path, detections=detections
    )
    paths = (tmp_path / "cameras.csv", tmp_path / "detections.csv")
    chosen = read_csv_survey(*paths, species="leopard", timezone="UTC")
    whole = read_csv_survey(*paths, species="lion", timezone="UTC")
    assert [p.source for p in chosen.pictures] == ["detections.csv row 2", "detections.csv row 4"]
    assert "1 row skipped: other species" in chosen.notes
    assert not {d.detection_id for d in chosen.detections} & {d.detection_id for d in whole.detections}


def test_names_that_mean_unknown_are_no_animal(tmp_path: Path) -> None:
    rows = "".join(
        f"B,2024-06-0{n}T10:00Z,{name}\n" for n, name in ((1, "Unidentified"), (2, "?"), (3, "anna"))
    )
    imported = read(tmp_path, detections=f"camera_id,timestamp,individual_id\n{rows}")
    assert [d.individual_id for d in imported.detections] == ["", "", "anna"]
    said = "detections.csv row 2, individual_id 'Unidentified' is read as an unknown animal (2 rows)"
    assert said in imported.notes


def test_a_moved_camera_is_two_cameras_and_a_photograph_belongs_to_the_one_of_its_time(
    tmp_path: Path,
) -> None:
    imported = read(
        tmp_path,
        "camera_id,x_m,y_m,start,end\nA,0,0,2024-06-01,2024-06-02\nA,900,0,2024-06-03,2024-06-30\n",
        "camera_id,timestamp\nA,2024-06-02T23:00Z\nA,2024-06-03T01:00Z\nA,\n",
    )
    assert [d.camera_id for d in imported.detections] == ["A", "A#2", ""]
    assert imported.survey.cameras["A#2"].x_m == 900.0
    assert imported.survey.extent().distance_m == 900.0
    assert any("row 4, camera_id 'A' was moved" in note for note in imported.notes)


def test_the_export_fills_individuals_and_keeps_ids_and_bytes(tmp_path: Path) -> None:
    imported = read(tmp_path)
    found = {d.detection_id: f"i{number}" for number, d in enumerate(imported.detections)}
    cameras, detections = tmp_path / "cameras.csv", tmp_path / "detections.csv"
    write_csv_survey(cameras, detections, tmp_path / "out", found)
    expected = DETECTIONS.replace("anna", "i0").replace("ben", "i1").replace("10:00Z,,,,,", "10:00Z,,,,i2,")
    assert (tmp_path / "out" / "detections.csv").read_text() == expected
    assert (tmp_path / "out" / "cameras.csv").read_bytes() == cameras.read_bytes()
    again = read_csv_survey(
        tmp_path / "out" / "cameras.csv", tmp_path / "out" / "detections.csv", timezone="UTC"
    )
    assert {d.detection_id: d.individual_id for d in again.detections} == found
    with pytest.raises(InvalidInputError, match="that was read"):
        write_csv_survey(cameras, detections, tmp_path, found, overwrite=True)
    with pytest.raises(InvalidInputError, match="lacks 1 of the detections"):
        write_csv_survey(cameras, detections, tmp_path / "other", {"zz": "anna"})


def test_a_side_that_is_none_is_unknown_with_a_note(tmp_path: Path) -> None:
    imported = read(tmp_path, detections="camera_id,timestamp,side\nB,2024-06-01T10:00Z,top\n")
    assert imported.detections[0].side is Side.UNKNOWN
    assert any("row 2, side 'top' is not a side; taken as unknown" in note for note in imported.notes)


def test_a_repeated_row_with_an_image_counts_once_and_one_without_may_be_another_animal(
    tmp_path: Path,
) -> None:
    with_image = "A,2024-06-01T10:00Z,a.jpg\n"
    imported = read(tmp_path, detections=f"camera_id,timestamp,image\n{with_image}{with_image}")
    assert len(imported.detections) == 1
    assert "detections.csv row 3 repeats row 2 and is left out" in imported.notes
    without = "A,2024-06-01T10:00Z,\n"
    assert len(read(tmp_path, detections=f"camera_id,timestamp,image\n{without}{without}").detections) == 2


def test_ids_that_look_the_same_are_one_with_a_note(tmp_path: Path) -> None:
    composed, apart = "Zo\u00eb", "Zoe\u0308"
    imported = read(
        tmp_path,
        f"camera_id,x_m,y_m\n{composed},0,0\n",
        f"camera_id,timestamp,individual_id\n{apart},2024-06-01T10:00Z,{apart}\n",
    )
    assert imported.detections[0].camera_id == imported.detections[0].individual_id == composed
    assert any("ids written in several ways that look the same" in note for note in imported.notes)
    alike = read(
        tmp_path, f"camera_id,x_m,y_m\n{apart},0,0\n", f"camera_id,timestamp\n{apart},2024-06-01T10:00Z\n"
    )
    assert not any("look the same" in note for note in alike.notes)


def test_a_position_of_zeros_is_named_and_does_not_stretch_the_extent(tmp_path: Path) -> None:
    imported = read(tmp_path, "camera_id,latitude,longitude\nA,-25,31.5\nC,-25.02,31.5\nB,0,0.0\n")
    assert imported.survey.outlying_cameras() == ["B"]
    assert any(
        "row 4, latitude '0' and a longitude of 0 are a point in the ocean" in n for n in imported.notes
    )


def test_species_may_be_in_the_column_of_the_standard(tmp_path: Path) -> None:
    detections = "camera_id,timestamp,scientificName\nA,2024-06-01T10:00Z,leopard\nB,2024-06-01T10:00Z,lion\n"
    assert "several species" in refusal(tmp_path, detections=detections)
    assert "which is read only as 'species'" in refusal(
        tmp_path, detections=detections.replace("scientificName", "Species")
    )
