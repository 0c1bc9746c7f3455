"""A small survey with what makes exports hard: paired cameras, downtime, odd names, files of one name."""

from __future__ import annotations

import csv
from pathlib import Path

from PIL import Image

from spotted.formats.csv_survey import read_csv_survey
from spotted.formats.exports.material import Material

ZONE = "Africa/Harare"  # two hours before UTC
CAMERAS = """camera_id,latitude,longitude,start,end,problem1_from,problem1_to
ford_01,-24.50,31.50,2024-06-01,2024-06-10,2024-06-04,2024-06-05
"Ridge, north",-24.51,31.52,2024-06-01,2024-06-10,,
idle,-24.52,31.53,2024-06-03,2024-06-03,,
"""
# camera, local time, side, individual, encounter, image
ROWS = (
    ("ford_01", "2024-06-01T23:30:00", "left", "Old Tau", "e1", "a/IMG_1.JPG"),
    ("ford_01", "2024-06-01T23:30:02", "left", "Old Tau", "e1", "a/IMG_2.JPG"),
    ("ford_01", "2024-06-07T01:00:00", "right", "NA", "", "a/IMG_3.JPG"),
    ("Ridge, north", "2024-06-02T00:15:00", "left", "Asha", "e2", "b/IMG_1.JPG"),
    ("Ridge, north", "2024-06-02T00:15:00", "right", "Old Tau", "e2", "b/IMG_1.JPG"),
    ("Ridge, north", "2024-06-09T12:00:00", "", "=SUM(1)", "", "b/IMG_4.JPG"),
    ("Ridge, north", "2024-06-09T13:00:00", "left", "", "", "b/IMG_5.JPG"),
)
HEAD = ("detection_id", "camera_id", "timestamp", "side", "individual_id", "encounter_id", "image", "species")


def write_tables(directory: Path, *, species: str = "Panthera pardus") -> None:
    """Write cameras.csv, detections.csv and the images."""
    (directory / "cameras.csv").write_text(CAMERAS)
    with (directory / "detections.csv").open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(HEAD)
        writer.writerows((f"d{n}", *row, species) for n, row in enumerate(ROWS))
    for row in ROWS:
        path = directory / row[-1]
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 6), "tan").save(path)


def made(directory: Path, *, species: str = "Panthera pardus", occasion_days: int = 1) -> Material:
    """The survey with the names of its files as the individuals."""
    write_tables(directory, species=species)
    tables = (directory / "cameras.csv", directory / "detections.csv")
    imported = read_csv_survey(*tables, survey_id="ridge", timezone=ZONE)
    individuals = {one.detection_id: one.individual_id for one in imported.detections}
    return Material(
        imported, individuals, directory, ZONE, occasion_days=occasion_days, sexes={"Old Tau": "male"}
    )
