from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from spotted.formats.catalogue import read_catalogue
from spotted.formats.layouts.programs import COCO, TRAPTAGGER, WILDBOOK
from spotted.formats.layouts.recognition import CAMTRAPR, CATALOGUE, PHOTOGRAPHS, PUBLISHED_SET
from spotted.formats.sources.source import Source
from tests.spotted.camtrapdp_package import write_package
from tests.spotted.photograph_folder import write_photograph
from tests.spotted.published_tree import write_tree


def test_a_package_is_read_and_written_by_its_source(tmp_path: Path) -> None:
    truth = write_package(tmp_path / "in")
    source = Source(package=str(tmp_path / "in"))
    imported = source.read("chosen")
    assert imported.survey.survey_id == "chosen"
    assert {p.detection.detection_id for p in imported.pictures} == set(truth)
    source.write(tmp_path / "out", {i: f"x-{animal}" for i, animal in truth.items()}, overwrite=False)
    copy = source.copied_to(tmp_path / "out").read()
    assert {d.detection_id: d.individual_id for d in copy.detections} == {
        i: f"x-{a}" for i, a in truth.items()
    }
    # the photographs are not copied
    assert [one.path for one in copy.pictures] == [one.path for one in imported.pictures]


def test_a_pair_of_tables_is_read_and_written_by_its_source(tmp_path: Path) -> None:
    cameras, detections = tmp_path / "cameras.csv", tmp_path / "detections.csv"
    cameras.write_text("camera_id,x_m,y_m\nA,0,0\n")
    detections.write_text("detection_id,camera_id,timestamp,image\nd1,A,2024-05-01T03:00,a.jpg\n")
    source = Source(cameras=str(cameras), detections=str(detections), timezone="Africa/Harare")
    (picture,) = source.read().pictures
    # Harare is two hours ahead of UTC
    assert picture.detection.captured_at_s == 1_714_525_200.0
    source.write(tmp_path / "out", {"d1": "ind-d1"}, overwrite=False)
    assert "ind-d1" in (tmp_path / "out" / "detections.csv").read_text()
    (copied,) = source.copied_to(tmp_path / "out").read().pictures
    assert (copied.detection.individual_id, copied.path) == ("ind-d1", picture.path)


def test_a_published_set_is_read_by_its_source_and_written_as_a_catalogue(tmp_path: Path) -> None:
    file = "A/CAM1_2019-08-01_01-00-00.jpg"
    root = write_tree(tmp_path / "set", [file, "No_ID/CAM2_2019-08-01_03-00-00.jpg"])
    (tmp_path / "places.csv").write_text("camera_id,x_m,y_m\n1,0,0\n2,30,40\n")
    source = Source(
        package=str(root),
        layout=PUBLISHED_SET,
        cameras=str(tmp_path / "places.csv"),
        timezone="Africa/Harare",
    )
    imported = source.read("chosen")
    assert imported.survey.survey_id == "chosen"
    assert imported.survey.extent().distance_m == 50.0
    # Harare is two hours ahead of UTC
    assert imported.detections[0].captured_at_s == 1_564_614_000.0
    source.write(tmp_path / "out", {file: "ind-1"}, overwrite=False)
    again = source.copied_to(tmp_path / "out").read()
    assert [(d.captured_at_s, d.individual_id) for d in again.detections] == [
        (d.captured_at_s, "ind-1" if d.detection_id == file else "") for d in imported.detections
    ]


def test_a_catalogue_is_read_and_written_by_its_source(tmp_path: Path) -> None:
    catalogue = tmp_path / "mine.csv"
    catalogue.write_text("image_id,path,identity,species\n7,a.jpg,unknown,lion\n8,b.jpg,ben,tiger\n")
    source = Source(package=str(catalogue), layout=CATALOGUE, species="lion", images_root=str(tmp_path))
    assert [d.detection_id for d in source.read("chosen").detections] == ["7"]
    source.write(tmp_path / "out", {"7": "ind-1"}, overwrite=False)
    assert (
        read_catalogue(tmp_path / "out" / "mine.csv", species="lion").detections[0].individual_id == "ind-1"
    )


def test_photographs_are_read_by_their_pattern_and_written_as_a_catalogue(tmp_path: Path) -> None:
    write_photograph(tmp_path / "in" / "x" / "A" / "1.jpg", "2024:05:01 03:00:00")
    source = Source(package=str(tmp_path / "in"), layout=PHOTOGRAPHS, station="*/{station}")
    counts: list[int] = []
    assert [d.camera_id for d in source.read(on_progress=counts.append).detections] == ["A"]
    assert counts == [1]
    source.write(tmp_path / "out", {"x/A/1.jpg": "Asha"}, overwrite=False)
    (detection,) = read_catalogue(tmp_path / "out").detections
    assert (detection.individual_id, detection.camera_id) == ("Asha", "A")


def test_rows_that_boxes_split_into_several_animals_are_written_as_a_catalogue(tmp_path: Path) -> None:
    write_photograph(tmp_path / "a.jpg", size=(100, 100))
    table = tmp_path / "catalogue.csv"
    table.write_text("image_id,path,identity\nr1,a.jpg,\n")
    animals = [{"category": "1", "conf": conf, "bbox": [0.1, 0.1, 0.2, 0.2]} for conf in (0.9, 0.5)]
    boxes = tmp_path / "md.json"
    boxes.write_text(
        json.dumps(
            {"images": [{"file": "a.jpg", "detections": animals}], "detection_categories": {"1": "animal"}}
        )
    )
    source = Source(package=str(table), layout=CATALOGUE, boxes=str(boxes), confidence=0.3)
    assert [d.detection_id for d in source.read().detections] == ["r1", "r1#2"]
    source.write(tmp_path / "out", {"r1": "Asha", "r1#2": "Bela"}, overwrite=False)
    again = read_catalogue(tmp_path / "out", images_root=tmp_path)
    assert [(d.detection_id, d.individual_id) for d in again.detections] == [("r1", "Asha"), ("r1#2", "Bela")]
    assert again.pictures[0].box == pytest.approx((0.1, 0.1, 0.2, 0.2))
    # one animal in each row leaves the table itself
    Source(package=str(table), layout=CATALOGUE, boxes=str(boxes), confidence=0.6).write(
        tmp_path / "one", {"r1": "Asha"}, overwrite=False
    )
    assert (tmp_path / "one" / "catalogue.csv").read_text() == "image_id,path,identity\nr1,a.jpg,Asha\n"


def test_tables_of_another_program_are_read_with_what_lies_beside_them_and_written_as_a_catalogue(
    tmp_path: Path,
) -> None:
    records = tmp_path / "records.csv"
    records.write_text(
        "Station,Species,DateTimeOriginal,Directory,FileName\nA,Cat,2009-05-07 17:11:00,D:/A,1.JPG\n"
    )
    write_tree(tmp_path, ["A/1.JPG"])
    (tmp_path / "camtraps.csv").write_text(
        "Station,utm_x,utm_y,Setup_date,Retrieval_date\nA,5,6,2009-04-02,2009-05-14\n"
    )
    source = Source(package=str(records), layout=CAMTRAPR, timezone="+08:00")
    imported = source.read("chosen")
    assert (imported.survey.survey_id, imported.survey.cameras["A"].x_m) == ("chosen", 5.0)
    (detection,) = imported.detections
    source.write(tmp_path / "out", {detection.detection_id: "Asha"}, overwrite=False)
    again = read_catalogue(tmp_path / "out", images_root=tmp_path)
    assert [(d.individual_id, p.path) for d, p in zip(again.detections, again.pictures, strict=True)] == [
        ("Asha", tmp_path / "A" / "1.JPG")
    ]


def test_tables_of_programs_are_read_by_their_source_and_written_as_a_catalogue(tmp_path: Path) -> None:
    texts = {
        WILDBOOK: "Encounter.mediaAsset0,Encounter.year,MarkedIndividual.individualID\na.jpg,2020,Asha\n",
        TRAPTAGGER: "site,timestamp,image,image_individual_1\nA,2020-03-24 11:21:46,A/a.jpg,Asha\n",
        COCO: '{"images": [{"id": 1, "file_name": "a.jpg"}], '
        '"annotations": [{"id": 1, "image_id": 1, "name": "Asha"}]}',
    }
    write_tree(tmp_path, ["A/a.jpg"])
    for layout, text in texts.items():
        path = tmp_path / f"{layout}.csv"
        path.write_text(text)
        source = Source(package=str(path), layout=layout, timezone="+02:00")
        (detection,) = source.read().detections
        assert (source.read().survey.survey_id, detection.individual_id) == (layout, "Asha")
        source.write(tmp_path / f"out-{layout}", {detection.detection_id: "Bela"}, overwrite=False)
        (again,) = read_catalogue(tmp_path / f"out-{layout}").detections
        assert again.individual_id == "Bela"


def test_a_source_trusts_the_clocks_that_a_person_confirmed(tmp_path: Path) -> None:
    cameras, detections = tmp_path / "cameras.csv", tmp_path / "detections.csv"
    ids = "ABCD"
    cameras.write_text("camera_id,x_m,y_m\n" + "".join(f"{i},{n},0\n" for n, i in enumerate(ids)))
    years = dict.fromkeys(ids, 2024) | {"D": 2000}
    rows = [f"{i},{years[i]}-05-0{day}T06:00Z,{i}{day}.jpg\n" for i in ids for day in (1, 2, 3)]
    detections.write_text("camera_id,timestamp,image\n" + "".join(rows))
    source = Source(cameras=str(cameras), detections=str(detections))
    doubted = source.read("s")
    assert [*doubted.clock_doubts] == ["D"]
    for trusted, suspect, days in ((("D",), False, 8_768), (("",), True, 2)):
        read = replace(source, trusted_clocks=trusted).read("s")
        assert read.survey.cameras["D"].clock_suspect is suspect
        assert round((read.survey.end_s - read.survey.start_s) / 86_400.0) == days
        assert read.detections == doubted.detections
