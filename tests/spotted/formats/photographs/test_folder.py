from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from spotted.errors import InvalidInputError
from spotted.formats.photographs.folder import read_photographs
from tests.spotted.photograph_folder import write_photograph

REAL = Path("/work/shared/data/exports/camtrapr")


def utc(*parts: int) -> float:
    return datetime(*parts, tzinfo=UTC).timestamp()  # type: ignore[arg-type,misc]  # year to second


def write_folder(root: Path) -> Path:
    write_photograph(root / "A1" / "100RECNX" / "1.JPG", "2024:05:01 03:00:00", serial="S1", model="HC500")
    write_photograph(
        root / "A1" / "101RECNX" / "1.JPG", "2024:05:01 04:00:00", serial="S2", temperature_c=4.0
    )
    write_photograph(root / "B2" / "100RECNX" / "1.png", "2024:05:02 03:00:00", temperature_c=-2.0)
    write_photograph(root / "B2" / "100RECNX" / "2.webp")
    (root / "B2" / "clip.avi").touch()
    (root / "B2" / ".DS_Store").touch()
    return root


def test_each_photograph_is_a_detection_with_station_and_time(tmp_path: Path) -> None:
    imported = read_photographs(write_folder(tmp_path / "Ridge 1"), timezone="+02:00")
    assert imported.survey.survey_id == "Ridge-1"
    assert {d.detection_id: (d.camera_id, d.captured_at_s) for d in imported.detections} == {
        "A1/100RECNX/1.JPG": ("A1", utc(2024, 5, 1, 1)),
        "A1/101RECNX/1.JPG": ("A1", utc(2024, 5, 1, 2)),
        "B2/100RECNX/1.png": ("B2", utc(2024, 5, 2, 1)),
        "B2/100RECNX/2.webp": ("B2", None),
    }
    assert all(picture.path and picture.path.is_file() for picture in imported.pictures)


def test_notes_say_what_was_seen_and_what_was_left_out(tmp_path: Path) -> None:
    notes = "\n".join(read_photographs(write_folder(tmp_path)).notes)
    for expected in (
        "stations by the pattern '{station}': 2 stations ('A1', 'B2'); --station PATTERN changes it",
        "taken as UTC",
        "2 files skipped: 1 hidden, 1 .avi",
        "1 photograph without a time in EXIF, time unknown, such as B2/100RECNX/2.webp",
        "cameras by EXIF: HC500 (1)",
        "temperatures by EXIF: -2 to 4 °C",
        "1 station with several cameras by their serial numbers, such as 'A1' (S1, S2)",
    ):
        assert expected in notes


def test_a_given_pattern_overrides_the_guess(tmp_path: Path) -> None:
    imported = read_photographs(write_folder(tmp_path), station="*/{station}")
    assert {d.camera_id for d in imported.detections} == {"100RECNX", "101RECNX"}


def test_a_photograph_beside_the_pattern_has_no_station(tmp_path: Path) -> None:
    write_photograph(write_folder(tmp_path) / "loose.jpg", "2024:05:01 03:00:00")
    imported = read_photographs(tmp_path, station="{station}")
    assert next(d for d in imported.detections if d.detection_id == "loose.jpg").camera_id == ""
    assert any("not matched by the pattern, station unknown, such as loose.jpg" in n for n in imported.notes)


def test_a_sheet_of_cameras_places_stations_whose_names_differ_in_case_and_separators(tmp_path: Path) -> None:
    write_folder(tmp_path)
    (tmp_path / "cameras.csv").write_text("camera_id,x_m,y_m\na-1,0,0\nB 2,300,400\n")
    imported = read_photographs(tmp_path)
    assert {c.camera_id: (c.x_m, c.y_m) for c in imported.survey.cameras.values()} == {
        "A1": (0.0, 0.0),
        "B2": (300.0, 400.0),
    }


def test_an_offset_of_the_camera_wins_over_the_time_zone(tmp_path: Path) -> None:
    write_photograph(tmp_path / "A" / "1.jpg", "2024:05:01 03:00:00", offset="+05:00")
    (detection,) = read_photographs(tmp_path, timezone="+02:00").detections
    assert detection.captured_at_s == utc(2024, 4, 30, 22)
    assert not any("taken as UTC" in note for note in read_photographs(tmp_path).notes)


def test_a_time_that_clocks_skip_and_an_impossible_date_are_unknown(tmp_path: Path) -> None:
    write_photograph(tmp_path / "A" / "1.jpg", "2024:03:31 02:30:00")
    write_photograph(tmp_path / "A" / "2.jpg", "2024:02:31 02:30:00")
    write_photograph(tmp_path / "A" / "3.jpg", "2024:04:01 02:30:00")
    imported = read_photographs(tmp_path, timezone="Europe/Berlin")
    assert [d.captured_at_s is None for d in imported.detections] == [True, True, False]
    assert any("2 photographs with a time that does not exist" in note for note in imported.notes)


def test_a_file_that_cannot_be_read_is_kept_and_named(tmp_path: Path) -> None:
    write_folder(tmp_path)
    (tmp_path / "A1" / "broken.jpg").write_bytes(b"no image")
    imported = read_photographs(tmp_path)
    assert "A1/broken.jpg" in {d.detection_id for d in imported.detections}
    assert any("1 photograph that cannot be read" in note for note in imported.notes)


def test_a_kind_whose_reader_is_missing_is_kept_and_its_remedy_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_photograph(tmp_path / "A1" / "1.avif", "2024:05:01 06:00:00")
    write_photograph(tmp_path / "A1" / "2.tif", "2024:05:02 06:00:00")
    (tmp_path / "A1" / "3.heic").touch()
    monkeypatch.setattr("spotted.formats.image_kinds._has_heif", lambda: False)
    imported = read_photographs(tmp_path, timezone="+00:00")
    assert [d.captured_at_s is None for d in imported.detections] == [False, False, True]
    assert any("HEIC needs pillow-heif: pip install 'spotted[heif]'" in note for note in imported.notes)


def test_a_strict_import_refuses_photographs_without_time_or_station(tmp_path: Path) -> None:
    write_photograph(tmp_path / "A1" / "1.jpg", "2024:05:01 06:00:00")
    write_photograph(tmp_path / "A1" / "2.jpg", "2024:05:02 06:00:00")
    assert len(read_photographs(tmp_path, strict=True).pictures) == 2
    write_photograph(tmp_path / "A1" / "3.jpg")
    assert len(read_photographs(tmp_path).pictures) == 3
    with pytest.raises(InvalidInputError, match=r"1 photograph without a time in EXIF.*A1/3\.jpg"):
        read_photographs(tmp_path, strict=True)


def test_progress_counts_every_photograph(tmp_path: Path) -> None:
    counts: list[int] = []
    imported = read_photographs(write_folder(tmp_path), on_progress=counts.append)
    assert sum(counts) == len(imported.pictures)


def test_a_folder_without_photographs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="contains no photograph"):
        read_photographs(tmp_path)


def test_photographs_that_name_no_station_get_advice(tmp_path: Path) -> None:
    write_photograph(tmp_path / "IMG_1.jpg", "2024:05:01 03:00:00")
    assert any("--station '{station}'" in note for note in read_photographs(tmp_path).notes)


@pytest.mark.skipif(not REAL.is_dir(), reason="the pictures of camtrapR are not on this machine")
def test_real_pictures_have_the_stations_and_times_of_their_names() -> None:
    """camtrapR renames its pictures to STATION__DATE__TIME, from the same EXIF field."""
    imported = read_photographs(REAL / "sample_images_species_tag")
    assert len(imported.pictures) == 68
    for detection in imported.detections:
        station, day, clock = detection.detection_id.rpartition("/")[2].split("(")[0].split("__")
        assert detection.camera_id == station
        assert detection.captured_at_s == utc(*(int(p) for p in (*day.split("-"), *clock.split("-"))))
