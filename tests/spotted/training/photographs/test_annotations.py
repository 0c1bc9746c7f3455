from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from spotted.boxes.cropping import PixelBox
from spotted.errors import InvalidInputError
from spotted.survey import Side
from spotted.training.photographs.annotations import read_annotated


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two photographs."""
    (tmp_path / "images").mkdir()
    for name in ("a.png", "b.png"):
        Image.new("RGB", (40, 30)).save(tmp_path / "images" / name)
    return tmp_path


CSV = """\
uuid,file_path,x,y,w,h,theta,name,species,viewpoint,split
u1,images/a.png,1,2,10,12,0.5,Asha,lion,left,train
u2,images/b.png,,,,,,unknown,lion,frontright,test
u3,images/b.png,0,0,5,5,,Tau,leopard,up,
"""


def test_a_table_is_read_with_boxes_angles_names_and_sides(folder: Path) -> None:
    (folder / "lions.csv").write_text(CSV)
    first, second, third = read_annotated(folder / "lions.csv")
    assert (first.photograph_id, first.path) == ("u1", folder / "images" / "a.png")
    assert (first.box, first.theta) == (PixelBox(1, 2, 10, 12), 0.5)
    assert (first.name, first.species, first.side, first.split) == ("Asha", "lion", Side.LEFT, "train")
    assert (second.box, second.name, second.side) == (None, "", Side.RIGHT)
    assert (third.side, third.split) == (Side.UNKNOWN, "")


def test_coco_says_the_same_as_the_table(folder: Path) -> None:
    document = {
        "images": [{"id": 1, "file_name": "images/a.png"}, {"id": 2, "file_name": "images/b.png"}],
        "categories": [{"id": 7, "name": "lion"}, {"id": 8, "name": "leopard"}],
        "annotations": [
            {
                "uuid": "u1",
                "image_id": 1,
                "category_id": 7,
                "bbox": [1, 2, 10, 12],
                "theta": 0.5,
                "name": "Asha",
                "viewpoint": "left",
                "split": "train",
            },
            {"uuid": "u2", "image_id": 2, "species": "lion", "viewpoint": "frontright", "split": "test"},
            {
                "uuid": "u3",
                "image_id": 2,
                "category_id": 8,
                "bbox": [0, 0, 5, 5],
                "name": "Tau",
                "viewpoint": "up",
            },
        ],
    }
    (folder / "lions.json").write_text(json.dumps(document))
    (folder / "lions.csv").write_text(CSV)
    assert read_annotated(folder / "lions.json") == read_annotated(folder / "lions.csv")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("u1,images/c.png,1,2,10,12,,A,lion,left,", "file_path 'images/c.png' names no image"),
        ("u1,../../etc/passwd,1,2,10,12,,A,lion,left,", "file_path '../../etc/passwd' lies outside"),
        ("u1,images/a.png,1,2,0,12,,A,lion,left,", "w '0' leaves no box; give x, y, w and h in pixels"),
        ("u1,images/a.png,1,2,x,12,,A,lion,left,", "w 'x' is not a number"),
        ("u1,images/a.png,1,2,3,12,900,A,lion,left,", "theta '900' is outside"),
    ],
)
def test_a_wrong_value_is_named_with_row_and_remedy(folder: Path, row: str, message: str) -> None:
    (folder / "lions.csv").write_text(CSV.splitlines()[0] + "\n" + row + "\n")
    with pytest.raises(InvalidInputError, match=message):
        read_annotated(folder / "lions.csv")


def test_an_empty_table_is_refused(folder: Path) -> None:
    (folder / "lions.csv").write_text(CSV.splitlines()[0] + "\n")
    with pytest.raises(
        InvalidInputError, match=r"lions\.csv has no annotation; give one row for each animal"
    ):
        read_annotated(folder / "lions.csv")


def test_a_box_of_coco_that_is_none_is_named(folder: Path) -> None:
    document = {
        "images": [{"id": 1, "file_name": "images/a.png"}],
        "annotations": [{"id": 5, "image_id": 1, "bbox": "wide"}],
    }
    (folder / "lions.json").write_text(json.dumps(document))
    with pytest.raises(InvalidInputError, match="bbox 'wide' is not a box; write a JSON list"):
        read_annotated(folder / "lions.json")
