from __future__ import annotations

from pathlib import Path

import pytest

from spotted.errors import InvalidInputError
from spotted.formats.columns import Reading
from spotted.formats.layouts.programs import TRAPTAGGER
from spotted.formats.layouts.recognition import recognise
from spotted.formats.layouts.traptagger import is_traptagger, read_traptagger
from tests.spotted.published_tree import write_tree

# rows of images, labels as lists, individuals in columns
IMAGES = (
    "survey,site,latitude,longitude,altitude,camera,image,timestamp,image_labels,image_individual_1,"
    "image_individual_2,image_url\n"
    "Ridge,A1,-24.5,31.2,300.0,7,A1/IMG_1.JPG,2020-03-24 11:21:46,[Leopard],Asha,None,https://x/1\n"
    "Ridge,A2,-24.6,31.2,300.0,8,A2/IMG_1.JPG,2020-03-25 11:21:46,[Leopard;Spotted Hyaena],None,None,https://x/2\n"
    "Ridge,A2,-24.6,31.2,300.0,8,A2/IMG_2.JPG,2020-03-26 11:21:46,[Leopard],Asha,Bela,https://x/3\n"
    "Ridge,A2,-24.6,31.2,300.0,8,A2/IMG_3.JPG,None,[None],None,None,https://x/4\n"
)
# rows of detections, labels in columns
DETECTIONS = (
    "trapgroup,latitude,longitude,image,timestamp,detection,left,right,top,bottom,score,detection_label_1,"
    "detection_individual_1,image_label_1\n"
    "A1,-24.5,31.2,A1/IMG_1.JPG,2020-03-24 11:21:46,17,0.1,0.4,0.2,0.8,0.9,Leopard,Asha,Spotted Hyaena\n"
    "A1,-24.5,31.2,A1/IMG_1.JPG,2020-03-24 11:21:46,18,0.5,1.01,0.2,0.8,0.9,Leopard,unidentifiable,Leopard\n"
)


def read(path: Path, text: str, **options: str) -> object:
    (path / "export.csv").write_text(text)
    return read_traptagger(path / "export.csv", Reading("ridge", path, timezone="+02:00", **options))  # type: ignore[arg-type] # texts


def test_images_are_detections_of_their_sites_labels_and_individuals(tmp_path: Path) -> None:
    write_tree(tmp_path, ["A1/IMG_1.JPG", "A2/IMG_1.JPG"])
    (tmp_path / "export.csv").write_text(IMAGES)
    seen = recognise(tmp_path)
    assert (seen.layout, seen.path) == (TRAPTAGGER, tmp_path / "export.csv")
    reading = Reading("ridge", tmp_path, species="leopard", timezone="+02:00")
    imported = read_traptagger(tmp_path / "export.csv", reading)
    assert [(d.camera_id, d.individual_id, d.image_id) for d in imported.detections] == [
        ("A1", "Asha", "A1/IMG_1.JPG"),
        ("A2", "", "A2/IMG_1.JPG"),
        ("A2", "Asha", "A2/IMG_2.JPG"),
        ("A2", "Bela", "A2/IMG_2.JPG"),
    ]
    assert imported.detections[0].captured_at_s == 1585041706.0
    assert all(camera.has_position for camera in imported.survey.cameras.values())
    notes = "\n".join(imported.notes)
    assert "columns not read: survey, altitude, camera, image_url" in notes
    assert "1 row skipped: other species" in notes
    assert "1 row skipped: no animal" in notes


def test_boxes_and_labels_of_a_detection_come_before_those_of_its_image(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(DETECTIONS)
    imported = read_traptagger(tmp_path / "export.csv", Reading("ridge", tmp_path, timezone="+02:00"))
    first, second = imported.pictures
    assert first.box == pytest.approx((0.1, 0.2, 0.3, 0.6))
    assert second.box == pytest.approx((0.5, 0.2, 0.5, 0.6))
    assert (first.detection.detection_id, first.detection.individual_id) == ("17", "Asha")
    assert second.detection.individual_id == ""
    assert {d.species for d in imported.detections} == {"Leopard"}


def test_several_species_and_wrong_values_are_refused_with_the_row_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"Leopard \(4\), Spotted Hyaena \(1\)"):
        read(tmp_path, IMAGES)
    with pytest.raises(InvalidInputError, match=r"export\.csv row 4, latitude '-95' is outside"):
        read(
            tmp_path,
            IMAGES.replace("A2,-24.6,31.2,300.0,8,A2/IMG_2", "A3,-95,31.2,300.0,8,A3/IMG_2"),
            species="leopard",
        )


def test_a_table_of_cameras_adds_their_periods(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(IMAGES)
    (tmp_path / "sites.csv").write_text(
        "Site,Lat,Long,Start,End\nA1,-24.5,31,2020-03-01,2020-04-01\na2,-24.6,31,,\n"
    )
    imported = read_traptagger(
        tmp_path / "export.csv",
        Reading("ridge", tmp_path, species="leopard", timezone="+02:00"),
        cameras=tmp_path / "sites.csv",
    )
    assert imported.survey.cameras["A1"].end_s == 1585778400.0
    assert {d.camera_id for d in imported.detections} == {"A1", "a2"}


def test_a_table_with_a_site_but_no_level_is_not_one_of_traptagger() -> None:
    assert not is_traptagger(["site", "timestamp", "image"])
    assert is_traptagger(["trapgroup", "cluster_sighting_count_1"])
