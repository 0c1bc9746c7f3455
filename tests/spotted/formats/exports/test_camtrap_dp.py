from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from spotted.errors import InvalidInputError
from spotted.formats.camtrapdp import read_camtrapdp
from spotted.formats.exports.camtrap_dp import camtrap_dp_files
from tests.spotted.formats.exports.camtrap_dp_validation import faults
from tests.spotted.formats.exports.surveys import ROWS, ZONE, made


def test_the_package_is_valid_and_reads_back_as_the_survey(tmp_path: Path) -> None:
    material = made(tmp_path)
    files = camtrap_dp_files(material)
    files.write(tmp_path / "out")
    assert faults(tmp_path / "out") == []
    again = read_camtrapdp(tmp_path / "out", images_root=tmp_path)
    before, after = material.imported, again
    assert after.survey.start_s == before.survey.start_s
    assert after.survey.end_s == before.survey.end_s
    assert after.survey.cameras.keys() == before.survey.cameras.keys()
    for camera_id, camera in before.survey.cameras.items():
        assert after.survey.cameras[camera_id].start_s == camera.start_s
        assert after.survey.cameras[camera_id].x_m == pytest.approx(camera.x_m)
    kept = ("detection_id", "camera_id", "captured_at_s", "side", "encounter_id", "individual_id", "species")
    for one, other in zip(before.detections, after.detections, strict=True):
        assert [getattr(one, name) for name in kept] == [getattr(other, name) for name in kept]
    assert [p.path for p in after.pictures] == [p.path for p in before.pictures]
    # the two periods of one camera are one station
    stations = {i: camera.station_id for i, camera in before.survey.cameras.items()}
    assert stations["ford_01"] == stations["ford_01#2"]
    assert {i: camera.station_id for i, camera in after.survey.cameras.items()} == stations


def test_names_of_the_session_times_of_the_zone_and_sexes_are_written(tmp_path: Path) -> None:
    material = made(tmp_path)
    files = camtrap_dp_files(replace(material, individuals={"d6": "Sita"}, sexes={"Sita": "female"}))
    rows = list(csv.DictReader(files.contents["observations.csv"].decode().splitlines()))
    assert [(row["individualID"], row["sex"]) for row in rows] == [("", "")] * 6 + [("Sita", "female")]
    assert rows[0]["eventStart"] == f"{ROWS[0][1]}+02:00"


def test_boxes_and_paths_outside_of_the_folder(tmp_path: Path) -> None:
    material = made(tmp_path)
    first, second, *rest = material.imported.pictures
    pictures = (
        replace(first, box=(0.25, 0.5, 0.75, 0.5)),
        replace(second, path=tmp_path.parent / "x.jpg"),
        *rest,
    )
    moved = replace(material, imported=replace(material.imported, pictures=pictures))
    files = camtrap_dp_files(moved)
    rows = list(csv.DictReader(files.contents["observations.csv"].decode().splitlines()))
    assert [row["observationID"] for row in rows] == ["d0", "d2", "d3", "d4", "d5", "d6"]
    boxes = [rows[0][f"bbox{edge}"] for edge in ("X", "Y", "Width", "Height")]
    assert boxes == ["0.25", "0.5", "0.75", "0.5"]
    assert files.notes[0] == (
        "Camtrap DP: 1 detection left out: without an image file in the folder of the images"
    )


def test_a_survey_without_degrees_is_refused_with_the_remedy(tmp_path: Path) -> None:
    material = made(tmp_path)
    flat = replace(material, imported=replace(material.imported, positions_deg={}), timezone=ZONE)
    with pytest.raises(
        InvalidInputError, match=r"latitude and longitude of every camera, and 3 .*'Ridge, north'"
    ):
        camtrap_dp_files(flat)
