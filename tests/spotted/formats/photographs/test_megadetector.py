from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from spotted.errors import InvalidInputError
from spotted.formats.imported_survey import ImportedSurvey
from spotted.formats.photographs.megadetector import is_megadetector, read_megadetector, with_boxes
from spotted.formats.picture import Picture
from spotted.survey import Detection, Survey

CATEGORIES = {"1": "animal", "2": "person", "3": "vehicle"}
BOX, OTHER_BOX = (0.1, 0.2, 0.3, 0.4), (0.5, 0.5, 0.25, 0.25)


def animal(conf: float, box: Sequence[float] = BOX, category: str = "1") -> dict[str, object]:
    return {"category": category, "conf": conf, "bbox": list(box)}


def write_boxes(path: Path, images: Mapping[str, Sequence[object] | None]) -> Path:
    """A file as MegaDetector's batch processing writes it; None: the image could not be read."""
    entries = [
        {"file": file, "failure": "Failure image access"}
        if found is None
        else {"file": file, "detections": found}
        for file, found in images.items()
    ]
    document = {
        "info": {"detector": "md_v5a.0.0.pt", "format_version": "1.3"},
        "detection_categories": CATEGORIES,
        "images": entries,
    }
    path.write_text(json.dumps(document, indent=1))
    return path


def survey_of(root: Path, *files: str, individual_id: str = "") -> ImportedSurvey:
    pictures = tuple(
        Picture(Detection(file, "A", image_id=file, individual_id=individual_id), root / file)
        for file in files
    )
    return ImportedSurvey(Survey("ridge", 0.0, 1.0), pictures, ("first",))


def test_one_animal_gives_its_box_and_keeps_the_id(tmp_path: Path) -> None:
    boxes = write_boxes(tmp_path / "md.json", {"A/1.jpg": [animal(0.9)]})
    (picture,) = with_boxes(survey_of(tmp_path, "A/1.jpg"), boxes, images_root=tmp_path).pictures
    assert (picture.detection.detection_id, picture.box) == ("A/1.jpg", BOX)


def test_several_animals_are_detections_of_one_image_the_most_confident_first(tmp_path: Path) -> None:
    found = [animal(0.3, OTHER_BOX), animal(0.9, BOX), animal(0.1)]
    boxes = write_boxes(tmp_path / "md.json", {"1.jpg": found})
    survey = survey_of(tmp_path, "1.jpg")
    pictures = with_boxes(survey, boxes, images_root=tmp_path, confidence=0.2).pictures
    assert [(p.detection.detection_id, p.box) for p in pictures] == [("1.jpg", BOX), ("1.jpg#2", OTHER_BOX)]
    assert {p.detection.image_id for p in pictures} == {"1.jpg"}
    # a higher threshold changes no id
    higher = with_boxes(survey, boxes, images_root=tmp_path, confidence=0.5).pictures
    assert higher == pictures[:1]


def test_persons_and_vehicles_are_no_animals(tmp_path: Path) -> None:
    found = [animal(0.9, category="2"), animal(0.9, category="3"), animal(0.8, OTHER_BOX)]
    boxes = write_boxes(tmp_path / "md.json", {"1.jpg": found})
    (picture,) = with_boxes(survey_of(tmp_path, "1.jpg"), boxes, images_root=tmp_path).pictures
    assert picture.box == OTHER_BOX


def test_empty_photographs_are_left_out_or_kept_as_asked_and_counted(tmp_path: Path) -> None:
    boxes = write_boxes(tmp_path / "md.json", {"1.jpg": [animal(0.9)], "2.jpg": [animal(0.1)]})
    survey = survey_of(tmp_path, "1.jpg", "2.jpg")
    without = with_boxes(survey, boxes, images_root=tmp_path, keep_empty=False)
    assert [d.detection_id for d in without.detections] == ["1.jpg"]
    assert without.notes == (
        "first",
        "boxes of md.json, confidence at least 0.2: 1 detection",
        "1 photograph without an animal of that confidence",
    )
    kept = with_boxes(survey, boxes, images_root=tmp_path)
    assert [p.box for p in kept.pictures] == [BOX, None]


def test_photographs_that_are_absent_or_could_not_be_read_stay_whole_and_are_counted(tmp_path: Path) -> None:
    boxes = write_boxes(tmp_path / "md.json", {"1.jpg": None, "2.jpg": []})
    survey = survey_of(tmp_path, "1.jpg", "3.jpg")
    imported = with_boxes(survey, boxes, images_root=tmp_path, keep_empty=False)
    assert [p.box for p in imported.pictures] == [None, None]
    assert "1 photograph not in md.json, kept as whole images" in imported.notes
    assert "1 photograph that the detector could not read, kept as whole images" in imported.notes


def test_a_known_individual_with_several_boxes_stays_whole(tmp_path: Path) -> None:
    """Nothing says whose box is whose, and a guess would make another animal this individual."""
    boxes = write_boxes(tmp_path / "md.json", {"1.jpg": [animal(0.9), animal(0.8)], "2.jpg": [animal(0.9)]})
    survey = survey_of(tmp_path, "1.jpg", "2.jpg", individual_id="Asha")
    imported = with_boxes(survey, boxes, images_root=tmp_path)
    assert [(p.detection.detection_id, p.box) for p in imported.pictures] == [("1.jpg", None), ("2.jpg", BOX)]


def test_paths_of_windows_and_of_another_folder_are_matched_by_their_last_parts(tmp_path: Path) -> None:
    images = {"D:\\survey\\A\\1.jpg": [animal(0.9)], "./B/1.jpg": [animal(0.9, OTHER_BOX)]}
    boxes = write_boxes(tmp_path / "md.json", images)
    imported = with_boxes(survey_of(tmp_path, "A/1.jpg", "B/1.jpg"), boxes, images_root=tmp_path)
    assert [p.box for p in imported.pictures] == [BOX, OTHER_BOX]


def test_a_name_that_two_photographs_share_is_given_to_neither(tmp_path: Path) -> None:
    boxes = write_boxes(tmp_path / "md.json", {"1.jpg": [animal(0.9)]})
    imported = with_boxes(survey_of(tmp_path, "A/1.jpg", "B/1.jpg"), boxes, images_root=tmp_path)
    assert [p.box for p in imported.pictures] == [None, None]
    assert any("2 photographs not in md.json" in note for note in imported.notes)


def test_a_threshold_that_leaves_nothing_is_refused(tmp_path: Path) -> None:
    boxes = write_boxes(tmp_path / "md.json", {"1.jpg": [animal(0.3)]})
    with pytest.raises(InvalidInputError, match="lower it with --confidence"):
        with_boxes(
            survey_of(tmp_path, "1.jpg"), boxes, images_root=tmp_path, confidence=0.9, keep_empty=False
        )


def test_a_box_that_was_rounded_beyond_the_edge_is_clipped(tmp_path: Path) -> None:
    boxes = write_boxes(tmp_path / "md.json", {"1.jpg": [animal(0.9, [0.5, -0.0005, 0.5004, 0.5])]})
    ((one,),) = read_megadetector(boxes).by_image.values()
    assert one.box == (0.5, 0.0, 0.5, 0.5)


@pytest.mark.parametrize(
    "wrong",
    [
        animal(0.9, [10, 20, 30, 40]),
        animal(0.9, [0.1, 0.1, 0.0, 0.1]),
        animal(0.9, [0.1, 0.1, 0.1]),
        animal(0.9, [0.6, 0.1, 0.6, 0.1]),
        animal(7.0),
        {"category": "1", "conf": "high", "bbox": list(BOX)},
        {"category": "1", "conf": 0.9},
        {"category": "1", "conf": 0.9, "bbox": [0.1, 0.1, None, 0.1]},
        "animal",
    ],
)
def test_a_wrong_box_is_refused_with_its_image(tmp_path: Path, wrong: object) -> None:
    boxes = write_boxes(tmp_path / "md.json", {"A/1.jpg": [wrong]})
    with pytest.raises(InvalidInputError, match=r"md\.json, image 'A/1\.jpg' has a box"):
        read_megadetector(boxes)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"images": []}', "[" * 100_000])
def test_another_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(InvalidInputError, match=r"a\.json"):
        read_megadetector(tmp_path / "a.json")


def test_the_file_is_recognised_however_large_and_in_any_order(tmp_path: Path) -> None:
    assert is_megadetector(write_boxes(tmp_path / "a.json", {}))
    filler = json.dumps([{"file": f"{number}.jpg"} for number in range(20_000)])
    (tmp_path / "b.json").write_text(f'{{"images": {filler}, "detection_categories": {{}}}}')
    assert is_megadetector(tmp_path / "b.json")
    (tmp_path / "c.json").write_text('{"images": [], "annotations": [], "categories": []}')
    assert not is_megadetector(tmp_path / "c.json")
    assert not is_megadetector(tmp_path / "none.json")
