from __future__ import annotations

import zipfile
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from spotted.errors import InvalidInputError
from spotted.formats.layouts.recognition import WILDLIFE_INSIGHTS, recognise
from spotted.formats.layouts.wildlife_insights import image_tables, read_wildlife_insights
from tests.spotted.published_tree import write_tree

REAL = Path("/work/shared/data/exports/wildlife_insights")
DEPLOYMENTS = (
    "project_id,deployment_id,placename,longitude,latitude,start_date,end_date,camera_id\n"
    "7,D1,Ridge,39.84,-2.95,2019-04-17 00:00:00,2019-08-26 00:00:00,11\n"
    "7,D2,Ford,39.82,-2.97,2019-04-19 00:00:00,2019-08-26 00:00:00,12\n"
)
IMAGES = (
    "deployment_id,image_id,filename,location,is_blank,genus,species,common_name,timestamp,individual_id\n"
    "D1,i1,IMG_1.JPG,gs://p/deployment/1/aa.JPG,0,Panthera,pardus,Leopard,5/5/19 17:21,Asha\n"
    "D1,i2,IMG_2.JPG,gs://p/deployment/1/bb.JPG,1,,,Blank,5/6/19 17:21,\n"
    "D2,i3,IMG_1.JPG,gs://p/deployment/2/cc.JPG,0,Panthera,pardus,Leopard,8/26/19 18:48,\n"
    "D2,i3,IMG_1.JPG,gs://p/deployment/2/cc.JPG,0,Panthera,pardus,Leopard,8/26/19 18:48,Bela\n"
    "D2,i4,IMG_4.JPG,gs://p/deployment/2/dd.JPG,0,Hystrix,cristata,Porcupine,8/20/19 18:48,\n"
)


def write_export(root: Path) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    (root / "deployments.csv").write_text(DEPLOYMENTS)
    (root / "images.csv").write_text(IMAGES)
    return root


def test_an_export_becomes_a_survey_with_local_times_places_and_files(tmp_path: Path) -> None:
    write_tree(write_export(tmp_path), ["photos/aa.JPG", "photos/D2/IMG_1.JPG"])
    imported = read_wildlife_insights(tmp_path, species="panthera pardus", timezone="Africa/Nairobi")
    assert [(d.detection_id, d.camera_id, d.image_id, d.individual_id) for d in imported.detections] == [
        ("i1", "D1", "i1", "Asha"),
        ("i3", "D2", "i3", ""),
        ("i3#2", "D2", "i3", "Bela"),
    ]
    taken = datetime(2019, 8, 26, 18, 48, tzinfo=ZoneInfo("Africa/Nairobi"))
    # an end at midnight is the whole day
    assert imported.detections[1].captured_at_s == taken.timestamp()
    assert [p.path and p.path.name for p in imported.pictures] == ["aa.JPG", "IMG_1.JPG", "IMG_1.JPG"]
    assert all(camera.has_position for camera in imported.survey.cameras.values())
    assert [camera.station for camera in imported.survey.cameras.values()] == ["Ridge", "Ford"]
    assert "2 images skipped: blank, unnamed or other species" in imported.notes


def test_a_zip_reads_as_its_folder(tmp_path: Path) -> None:
    folder = write_export(tmp_path / "export")
    archive = tmp_path / "export.zip"
    with zipfile.ZipFile(archive, "w") as written:
        for file in folder.iterdir():
            written.write(file, f"wi_1234/{file.name}")
    for path in (folder, archive):
        assert recognise(path).layout == WILDLIFE_INSIGHTS
    zipped, plain = (
        read_wildlife_insights(path, species="Panthera pardus", timezone="+03:00")
        for path in (archive, folder)
    )
    assert zipped.detections == plain.detections
    assert zipped.survey == plain.survey


def test_several_tables_of_images_are_one(tmp_path: Path) -> None:
    header, *rows = IMAGES.splitlines(keepends=True)
    write_export(tmp_path)
    (tmp_path / "images.csv").unlink()
    for number, row in enumerate(rows):
        (tmp_path / f"images_{number}.csv").write_text(header + row)
    imported = read_wildlife_insights(tmp_path, species="Panthera pardus", timezone="+03:00")
    assert [d.detection_id for d in imported.detections] == ["i1", "i3", "i3#2"]
    assert image_tables(["x/images_2.csv", "images.txt", "cameras.csv"]) == ["x/images_2.csv"]


def test_several_species_have_to_be_chosen_from(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"Panthera pardus \(3\), Hystrix cristata \(1\)"):
        read_wildlife_insights(write_export(tmp_path), timezone="+03:00")


def test_a_damaged_zip_and_a_missing_table_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK no zip")
    with pytest.raises(InvalidInputError, match="cannot be read as a zip"):
        read_wildlife_insights(tmp_path / "a.zip")
    (tmp_path / "images.csv").write_text(IMAGES)
    with pytest.raises(InvalidInputError, match=r"deployments\.csv"):
        read_wildlife_insights(tmp_path)


def test_a_strict_import_refuses_a_doubtful_time_and_a_given_form_of_dates_counts(tmp_path: Path) -> None:
    write_export(tmp_path)
    images = tmp_path / "images.csv"
    images.write_text(IMAGES.replace("5/5/19 17:21", "at night"))
    kept = read_wildlife_insights(tmp_path, species="Panthera pardus", timezone="+03:00")
    assert kept.detections[0].captured_at_s is None
    with pytest.raises(InvalidInputError, match="'at night' is not a date and time"):
        read_wildlife_insights(tmp_path, species="Panthera pardus", timezone="+03:00", strict=True)
    images.write_text(IMAGES.replace("8/26/19", "8/6/19"))
    with pytest.raises(InvalidInputError, match="--date-format DD/MM/YY"):
        read_wildlife_insights(tmp_path, species="Panthera pardus", timezone="+03:00")
    options = {"species": "Panthera pardus", "timezone": "+03:00", "date_format": "%m/%d/%y"}
    read = read_wildlife_insights(tmp_path, **options)  # type: ignore[arg-type] # all of them are texts
    taken = datetime(2019, 8, 6, 18, 48, tzinfo=ZoneInfo("Africa/Nairobi"))
    assert read.detections[1].captured_at_s == taken.timestamp()


@pytest.mark.skipif(not REAL.is_dir(), reason="the export of Wildlife Insights is not on this machine")
def test_a_real_export_is_read() -> None:
    imported = read_wildlife_insights(REAL, species="Rhynchocyon chrysopygus", timezone="Africa/Nairobi")
    assert (len(imported.pictures), len(imported.survey.cameras)) == (12, 5)
    assert all(d.captured_at_s is not None for d in imported.detections)
