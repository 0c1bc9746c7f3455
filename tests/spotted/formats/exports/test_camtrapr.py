from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

from spotted.formats.captures.history import build_capture_history
from spotted.formats.exports.camtrapr import camtrapr_files
from spotted.formats.layouts.camtrapr import read_camtrapr
from spotted.survey import Camera, Detection
from tests.spotted.formats.exports.surveys import ZONE, made


def test_the_tables_read_back_as_the_survey_with_its_effort(tmp_path: Path) -> None:
    material = made(tmp_path)
    camtrapr_files(material).write(tmp_path / "out")
    again = read_camtrapr(
        tmp_path / "out" / "records.csv",
        tmp_path / "out" / "stations.csv",
        images_root=tmp_path,
        timezone=ZONE,
    )

    def seen(d: Detection, station: str) -> tuple[object, ...]:
        return d.captured_at_s, station, d.individual_id, d.species

    named = [d for d in material.imported.detections if d.individual_id]
    assert sorted(seen(d, material.station(d.camera_id)) for d in named) == sorted(
        seen(d, again.survey.cameras[d.camera_id].station_id) for d in again.detections
    )
    assert {p.path for p in again.pictures} <= {p.path for p in material.imported.pictures}
    names = {d.detection_id: d.individual_id for d in again.detections}
    history = build_capture_history(again.survey, again.detections, names, timezone=ZONE)
    before = material.by_day()
    assert history.usage.tolist() == before.usage.tolist()
    assert [c.camera_id for c in history.cameras] == [c.camera_id for c in before.cameras]


def test_camera_operation_is_missing_outside_the_setup_and_the_share_of_the_day_within(
    tmp_path: Path,
) -> None:
    material = made(tmp_path)
    cameras = dict(material.imported.survey.cameras)
    first = cameras["ford_01"]
    assert first.start_s is not None
    # set up at noon of the first day
    cameras["ford_01"] = replace(first, start_s=first.start_s + 43_200.0)
    cameras["unused"] = Camera("unused")
    survey = replace(material.imported.survey, cameras=cameras)
    files = camtrapr_files(replace(material, imported=replace(material.imported, survey=survey)))
    header, *rows = csv.reader(files.contents["camera_operation.csv"].decode().splitlines())
    assert header == ["", *(f"2024-06-{day:02}" for day in range(1, 11))]
    table = {row[0]: row[1:] for row in rows}
    assert table["ford_01"] == ["0.5", "1", "1", "0", "0", "1", "1", "1", "1", "1"]
    assert table["idle"] == ["NA", "NA", "1", *["NA"] * 7]
    assert files.notes == ("camtrapR: 1 station without a day of operation left out",)
    stations = list(csv.DictReader(files.contents["stations.csv"].decode().splitlines()))
    assert [row["Station"] for row in stations] == ["Ridge, north", "ford_01", "idle"]
    assert (stations[1]["Problem1_from"], stations[1]["Problem1_to"]) == ("2024-06-04", "2024-06-05")
