from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from spotted.errors import InvalidInputError
from spotted.formats.columns import Reading
from spotted.formats.imported_survey import ImportedSurvey
from spotted.formats.layouts.coco import is_coco, read_coco
from spotted.formats.layouts.programs import COCO
from spotted.formats.layouts.recognition import recognise
from tests.spotted.photograph_folder import write_photograph

CATEGORIES = [{"id": 0, "name": "empty"}, {"id": 1, "name": "leopard"}, {"id": 2, "name": "human"}]


def image(number: int, **fields: object) -> dict[str, Any]:
    own = {"id": f"i{number}", "file_name": f"A{number}/{number}.jpg", "width": 200, "height": 100}
    return (
        own
        | {"location": number, "datetime": f"2020-03-24 11:2{number}:00", "seq_id": f"s{number // 2}"}
        | fields
    )


def annotation(number: int, image_id: str, **fields: object) -> dict[str, Any]:
    return {"id": number, "image_id": image_id, "category_id": 1} | fields


IMAGES = [image(number) for number in range(5)]
ANNOTATIONS = [
    annotation(1, "i0", bbox=[20, 10, 100, 50], individual_ids=["Asha"], viewpoint="left"),
    annotation(2, "i1", name="____"),
    annotation(3, "i2", bbox=[150, 50, 100, 100]),
    annotation(4, "i2", bbox=[0, 0, 0, 10], individual="Bela"),
    annotation(5, "i3", category_id=0),
]


def write(path: Path, images: list[dict[str, Any]], annotations: list[dict[str, Any]]) -> Path:
    content = {
        "info": {"version": "1"},
        "categories": CATEGORIES,
        "annotations": annotations,
        "images": images,
    }
    path.write_text(json.dumps(content))
    return path


def read(path: Path, **options: str) -> ImportedSurvey:
    return read_coco(path, Reading("ridge", path.parent, timezone="+02:00", **options))  # type: ignore[arg-type] # texts


def test_annotations_are_detections_with_boxes_locations_and_sequences(tmp_path: Path) -> None:
    write_photograph(tmp_path / "A0" / "0.jpg")
    file = write(tmp_path / "lila.json", IMAGES, ANNOTATIONS)
    for path in (tmp_path, file):
        seen = recognise(path)
        assert (seen.layout, seen.path) == (COCO, file)
    imported = read(file)
    first, second, third, fourth = imported.pictures
    assert first.box == pytest.approx((0.1, 0.1, 0.5, 0.5))
    # clipped to the image
    assert third.box == pytest.approx((0.75, 0.5, 0.25, 0.5))
    assert second.box is None
    assert fourth.box is None
    assert first.path == tmp_path / "A0" / "0.jpg"
    one = first.detection
    assert (one.detection_id, one.camera_id, one.individual_id, one.side.name) == ("1", "0", "Asha", "LEFT")
    assert one.captured_at_s == 1585041600.0
    assert [p.detection.individual_id for p in imported.pictures] == ["Asha", "", "", "Bela"]
    assert [p.detection.encounter_id for p in imported.pictures] == ["s0", "s0", "", ""]
    notes = "\n".join(imported.notes)
    assert "1 row skipped: no animal: empty (1)" in notes
    assert "1 image without an annotation skipped" in notes
    assert "1 box without a pixel in its image left out" in notes


def test_positions_of_images_are_those_of_their_locations_and_minus_one_is_none(tmp_path: Path) -> None:
    images = [
        image(0, gps_lat_captured=-1, gps_lon_captured=-1),
        image(1, latitude=-24.5, longitude=31.2),
    ]
    imported = read(write(tmp_path / "a.json", images, [annotation(1, "i0"), annotation(2, "i1")]))
    assert [imported.survey.cameras[i].has_position for i in ("0", "1")] == [False, True]


def test_without_a_location_the_station_is_the_folder_and_a_table_gives_its_place(tmp_path: Path) -> None:
    images = [{k: v for k, v in image(n).items() if k != "location"} for n in range(3)]
    file = write(tmp_path / "a.json", images, [annotation(n, f"i{n}") for n in range(3)])
    assert [d.camera_id for d in read(file).detections] == ["A0", "A1", "A2"]
    (tmp_path / "places.csv").write_text("Location,Lat,Lon\n0,-24.5,31\n1,-24.6,31\n2,-24.6,31\n3,,\n4,,\n")
    located = write(tmp_path / "b.json", IMAGES, ANNOTATIONS)
    reading = Reading("ridge", tmp_path, timezone="+02:00")
    imported = read_coco(located, reading, cameras=tmp_path / "places.csv")
    assert imported.survey.cameras["2"].has_position


def test_the_size_of_an_image_is_read_from_its_file_if_it_is_not_written(tmp_path: Path) -> None:
    write_photograph(tmp_path / "A0" / "0.jpg", size=(40, 20))
    images = [{k: v for k, v in image(n).items() if k not in {"width", "height"}} for n in range(2)]
    boxes = [annotation(n, f"i{n}", bbox=[10, 10, 20, 10]) for n in range(2)]
    fractions = annotation(3, "i1", bbox=[0.25, 0.5, 0.5, 0.5])
    imported = read(write(tmp_path / "a.json", images, [*boxes, fractions]))
    assert [p.box for p in imported.pictures] == [(0.25, 0.5, 0.5, 0.5), None, (0.25, 0.5, 0.5, 0.5)]
    assert any("1 box in an image of unknown size" in note for note in imported.notes)


def test_labels_of_sequences_are_counted(tmp_path: Path) -> None:
    file = write(tmp_path / "a.json", IMAGES, [annotation(1, "i0", sequence_level_annotation=True)])
    assert any("1 annotation of a sequence, not of the image" in note for note in read(file).notes)


def test_wrong_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="annotation 1 is of image i9, which is not among the images"):
        read(write(tmp_path / "a.json", IMAGES, [annotation(1, "i9")]))
    for text, message in (("{", "cannot be read as JSON"), ("{}", "it needs images and annotations")):
        (tmp_path / "b.json").write_text(text)
        with pytest.raises(InvalidInputError, match=message):
            read(tmp_path / "b.json")
        assert not is_coco(tmp_path / "b.json")
    (tmp_path / "md.json").write_text('{"images": [], "detection_categories": {}, "categories": []}')
    assert not is_coco(tmp_path / "md.json")
    assert not is_coco(tmp_path / "none.json")
    write(tmp_path / "c.json", IMAGES, ANNOTATIONS)
    with pytest.raises(InvalidInputError, match=r"several files of coco, a\.json, c\.json; give one"):
        recognise(tmp_path)
