from __future__ import annotations

from pathlib import Path

import pytest

from spotted.errors import AlreadyExistsError, InvalidInputError
from spotted.formats.catalogue import read_catalogue
from spotted.formats.published_sets import read_published
from spotted.formats.published_sets_export import write_published
from tests.spotted.published_tree import write_tree

FILES = [
    "A/L/CAM1_2019-08-01_01-00-00.jpg",
    "A/R/CAM1_2019-08-01_01-00-05.jpg",
    "No_ID/x_CAM2_20190803_020000_7.jpg",
    "B/holiday.jpg",
]


def test_the_catalogue_reads_back_as_the_same_detections_with_the_individuals(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "set", FILES)
    write_published(root, tmp_path / "out", {FILES[2]: "ind-1"}, timezone="Africa/Harare")
    again = read_catalogue(tmp_path / "out", images_root=root)
    before = {d.detection_id: d for d in read_published(root, timezone="Africa/Harare").detections}
    assert [d.detection_id for d in again.detections] == list(before)
    for detection in again.detections:
        was = before[detection.detection_id]
        assert detection.captured_at_s == was.captured_at_s
        assert (detection.camera_id, detection.side, detection.image_id) == (
            was.camera_id,
            was.side,
            was.image_id,
        )
        assert detection.individual_id == ("ind-1" if was.detection_id == FILES[2] else was.individual_id)


def test_a_detection_that_the_set_lacks_is_refused(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "set", FILES)
    with pytest.raises(InvalidInputError, match="lacks 1 of the detections to write, such as Z/none"):
        write_published(root, tmp_path / "out", {"Z/none.jpg": "ind-1"})


def test_a_directory_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "set", FILES)
    write_tree(tmp_path / "out", ["own.txt"])
    with pytest.raises(AlreadyExistsError):
        write_published(root, tmp_path / "out", {})
