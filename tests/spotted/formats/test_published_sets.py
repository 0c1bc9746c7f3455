from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotted.errors import InvalidInputError
from spotted.formats.camera_table import NO_LOCATIONS
from spotted.formats.imported_survey import ImportedSurvey
from spotted.formats.published_sets import SHOWN_FILES, _captured_at_s, _Reading, read_published
from spotted.survey import Detection, Side
from tests.spotted.published_tree import write_tree

DASHED = "L001/CAM12_2019-08-01_23-11-05_1.JPG"
PACKED = "L002/IMG_CAM07_20190802_041530_2.jpg"
HARARE = dt.timezone(dt.timedelta(hours=2))


def by_id(imported: ImportedSurvey) -> dict[str, Detection]:
    return {detection.detection_id: detection for detection in imported.detections}


def note(imported: ImportedSurvey, words: str) -> str:
    (found,) = [text for text in imported.notes if words in text]
    return found


def test_a_folder_is_an_animal_and_a_name_holds_camera_and_time_in_both_patterns(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "LeopardID102", [DASHED, PACKED])
    read = by_id(read_published(root, timezone="Africa/Harare"))
    assert {i: (d.individual_id, d.camera_id) for i, d in read.items()} == {
        DASHED: ("L001", "CAM12"),
        PACKED: ("L002", "CAM07"),
    }
    assert read[DASHED].captured_at_s == dt.datetime(2019, 8, 1, 23, 11, 5, tzinfo=HARARE).timestamp()
    assert read[PACKED].captured_at_s == dt.datetime(2019, 8, 2, 4, 15, 30, tzinfo=HARARE).timestamp()


def test_without_a_zone_times_are_utc_and_a_note_says_so(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "set", [DASHED])
    imported = read_published(root)
    (detection,) = imported.detections
    assert detection.captured_at_s == dt.datetime(2019, 8, 1, 23, 11, 5, tzinfo=dt.UTC).timestamp()
    assert "taken as UTC" in note(imported, "time zone")
    assert not any("time zone" in text for text in read_published(root, timezone="Africa/Harare").notes)


@pytest.mark.parametrize("folder", ["No_ID", "unidentifiable", "no_id"])
def test_folders_of_unknown_animals_give_no_identity_whatever_lies_within(
    tmp_path: Path, folder: str
) -> None:
    files = [DASHED, f"{folder}/CAM1_2019-08-01_01-00-00.jpg", f"{folder}/H7/CAM1_2019-08-01_02-00-00.jpg"]
    imported = read_published(write_tree(tmp_path / "set", files))
    assert [d.individual_id for d in imported.detections] == ["L001", "", ""]
    assert note(imported, "of unknown") == "1 photograph of 1 known animal, 2 of unknown ones"


def test_folders_l_and_r_are_sides_and_other_folders_are_not(tmp_path: Path) -> None:
    names = [f"CAM1_2019-08-01_0{hour}-00-00.jpg" for hour in range(4)]
    files = [f"H1/L/{names[0]}", f"H1/R/{names[1]}", f"H1/rear/{names[2]}", f"L/{names[3]}"]
    read = by_id(read_published(write_tree(tmp_path / "SpottedHyenaID109", files)))
    assert [read[file].side for file in files] == [Side.LEFT, Side.RIGHT, Side.UNKNOWN, Side.UNKNOWN]
    assert [read[file].individual_id for file in files] == ["H1", "H1", "H1", "L"]


def test_an_archive_that_holds_its_own_folder_is_read_and_two_sets_are_refused(tmp_path: Path) -> None:
    write_tree(tmp_path / "LeopardID102" / "LeopardID102", [DASHED])
    imported = read_published(tmp_path / "LeopardID102")
    assert imported.survey.survey_id == "LeopardID102"
    assert by_id(imported).keys() == {DASHED}
    write_tree(tmp_path / "SpottedHyenaID109", [DASHED])
    with pytest.raises(InvalidInputError, match=r"LeopardID102, SpottedHyenaID109; give the folder of one"):
        read_published(tmp_path)


def test_a_published_set_that_is_not_whole_is_noted_and_another_folder_is_not(tmp_path: Path) -> None:
    imported = read_published(write_tree(tmp_path / "LeopardID102", [DASHED]))
    assert "717 photographs of 102 known animals" in note(imported, "as published")
    other = read_published(write_tree(tmp_path / "other", [DASHED]))
    assert not any("as published" in text for text in other.notes)


@pytest.mark.parametrize("place", ["set/cameras.csv", "set_cameras.csv", "cameras.csv"])
def test_a_table_of_cameras_in_the_folder_or_beside_it_gives_the_places(tmp_path: Path, place: str) -> None:
    root = write_tree(tmp_path / "set", [DASHED, PACKED])
    (tmp_path / place).write_text("camera_id,x_m,y_m\nCAM12,0,0\n07,3000,4000\n")
    imported = read_published(root)
    assert imported.survey.extent().distance_m == 5000.0
    assert set(imported.survey.cameras) == {"CAM12", "CAM07"}
    assert str(tmp_path / place) in note(imported, "cameras: ")
    assert not any("skipped" in text or NO_LOCATIONS in text for text in imported.notes)


def test_without_a_table_of_cameras_places_are_unknown_and_only_visual_can_be_measured(
    tmp_path: Path,
) -> None:
    imported = read_published(write_tree(tmp_path / "set", [DASHED, PACKED]))
    assert NO_LOCATIONS in imported.notes
    assert [c.has_position for c in imported.survey.cameras.values()] == [False, False]


def test_a_camera_that_the_table_lacks_is_named_and_stays_without_a_place(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "set", [DASHED, PACKED])
    table = tmp_path / "table.csv"
    table.write_text("camera_id,latitude,longitude\nCAM12,-18.5,26.9\n")
    imported = read_published(root, cameras=table)
    assert "'CAM07'" in note(imported, "not in table.csv")
    assert imported.survey.cameras["CAM12"].has_position
    assert not imported.survey.cameras["CAM07"].has_position


def test_one_camera_written_twice_in_the_table_is_refused(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "set", [DASHED])
    (root / "cameras.csv").write_text("camera_id,x_m,y_m\nCAM12,0,0\n12,1,1\n")
    with pytest.raises(InvalidInputError, match="camera CAM12 twice"):
        read_published(root)


def test_a_period_that_its_photographs_exceed_is_extended_and_noted(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "set", [DASHED, PACKED])
    (root / "cameras.csv").write_text(
        "camera_id,x_m,y_m,start,end\n12,0,0,2019-08-02T12:00,2019-08-09\n07,1,1,,\n"
    )
    assert "before its camera" in note(read_published(root), "the period is extended")


def test_what_is_no_photograph_of_an_animal_is_passed_over_by_name_and_reason(tmp_path: Path) -> None:
    odd = ["L001/notes.txt", "L001/.DS_Store", "__MACOSX/L001/._a.jpg", "loose.jpg", "README.md"]
    root = write_tree(tmp_path / "set", [DASHED, *odd])
    (root / "L001" / "CAM1_2019-08-01_01-00-00.jpg").write_bytes(b"")
    (root / "L001" / "CAM1_2019-08-01_02-00-00.jpg").symlink_to(root / "nowhere.jpg")
    imported = read_published(root)
    assert by_id(imported).keys() == {DASHED}
    assert (
        note(imported, "not a JPEG") == "2 files skipped, not a JPEG, PNG or WebP: README.md, L001/notes.txt"
    )
    assert "loose.jpg" in note(imported, "not in the folder of an animal")
    assert "2 files" in note(imported, "empty or a broken link")
    assert "L001/.DS_Store" in note(imported, "hidden")


def test_a_name_without_camera_or_time_keeps_the_photograph_and_is_noted(tmp_path: Path) -> None:
    odd = ["L001/holiday.jpg", "L001/CAM3_2019-13-45_01-00-00.jpg", "L001/cam4_20190801_010000.jpg"]
    imported = read_published(write_tree(tmp_path / "set", [DASHED, *odd]))
    read = by_id(imported)
    assert [(read[f].camera_id, read[f].captured_at_s is None) for f in odd] == [
        ("", True),
        ("CAM3", True),
        ("", False),
    ]
    assert "holiday.jpg" in note(imported, "without a time in the name")
    assert odd[1] in note(imported, "does not exist in UTC")
    assert "2 files without CAM" in note(imported, "without CAM")


def test_a_time_that_the_clocks_skip_is_unknown(tmp_path: Path) -> None:
    imported = read_published(
        write_tree(tmp_path / "set", [DASHED, "L001/CAM1_2019-03-31_02-30-00.jpg"]), timezone="Europe/Berlin"
    )
    assert "2019-03-31" in note(imported, "does not exist in Europe/Berlin")


def test_notes_name_only_the_first_files(tmp_path: Path) -> None:
    files = [f"L001/note{number:02}.txt" for number in range(SHOWN_FILES + 7)]
    shown = note(read_published(write_tree(tmp_path / "set", [DASHED, *files])), "not a JPEG")
    assert shown.count(".txt") == SHOWN_FILES
    assert shown.endswith("and 7 more")


def test_one_name_in_two_folders_is_two_photographs_unless_the_content_is_the_same(tmp_path: Path) -> None:
    name = "CAM1_2019-08-01_01-00-00.jpg"
    root = write_tree(tmp_path / "set", [f"A/{name}", f"B/{name}", f"C/{name}"])
    (root / "B" / name).write_bytes((root / "A" / name).read_bytes())
    images = {d.individual_id: d.image_id for d in read_published(root).detections}
    assert images == {"A": f"A/{name}", "B": f"A/{name}", "C": f"C/{name}"}


def test_a_copy_within_one_animals_folder_is_passed_over(tmp_path: Path) -> None:
    name = "CAM1_2019-08-01_01-00-00.jpg"
    root = write_tree(tmp_path / "set", [f"A/L/{name}", f"A/R/{name}"])
    (root / "A" / "R" / name).write_bytes((root / "A" / "L" / name).read_bytes())
    imported = read_published(root)
    assert by_id(imported).keys() == {f"A/L/{name}"}
    assert f"A/R/{name}" in note(imported, "a copy within")


def test_a_tree_without_a_photograph_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="no photograph in an animal's folder"):
        read_published(write_tree(tmp_path / "set", ["L001/notes.txt", "loose.jpg"]))


def test_without_any_time_only_visual_can_be_measured(tmp_path: Path) -> None:
    imported = read_published(write_tree(tmp_path / "set", ["L001/CAM1_a.jpg", "L002/CAM2_b.jpg"]))
    assert "only visual similarity" in note(imported, "no time is known")
    assert imported.survey.end_s > imported.survey.start_s


@given(
    instant=st.datetimes(dt.datetime(1970, 1, 2), dt.datetime(2099, 12, 31)),  # noqa: DTZ001 - a camera's clock
    camera=st.from_regex(r"CAM[0-9A-Za-z]{1,4}", fullmatch=True),
    number=st.integers(0, 99_999_999),
    packed=st.booleans(),
)
def test_any_instant_is_read_back_from_its_name(
    instant: dt.datetime, camera: str, number: int, *, packed: bool
) -> None:
    written = instant.strftime("%Y%m%d_%H%M%S" if packed else "%Y-%m-%d_%H-%M-%S")
    reading = _Reading(Path(), HARARE)
    read = _captured_at_s(f"{camera}_{written}_{number}", "file", reading)
    assert read == instant.replace(microsecond=0, tzinfo=HARARE).timestamp()
    assert not reading.files_by_reason
