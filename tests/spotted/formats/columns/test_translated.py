from __future__ import annotations

from pathlib import Path

import pytest

from spotted.errors import InvalidInputError
from spotted.formats.columns.translated import Images, Table, iso_column, read_translated
from spotted.formats.problems import Problems
from spotted.formats.row import Row
from tests.spotted.published_tree import write_tree

CAMERAS = Table("stations.csv", {2: {"camera_id": "A", "x_m": "0", "y_m": "0"}})


def test_images_are_found_by_the_last_parts_of_paths_of_another_computer(tmp_path: Path) -> None:
    images = Images(write_tree(tmp_path, ["A/1.JPG", "B/1.jpg", "B/2.jpg"]))
    assert images.find("C:\\Users\\me\\A\\1.JPG") == "A/1.JPG"
    assert images.find("gs://bucket/b/1.jpg") == "B/1.jpg"
    assert images.find("elsewhere/2.jpg") == "B/2.jpg"
    # two files fit equally well
    assert images.find("C/1.jpg") == ""
    assert images.find("", "9.jpg", "2.jpg") == "B/2.jpg"


def test_a_wrong_cell_is_named_with_its_file_and_row_even_after_rows_that_were_left_out(
    tmp_path: Path,
) -> None:
    row = {"camera_id": "A", "timestamp": "soon", "image_id": "1"}
    with pytest.raises(InvalidInputError, match=r"images\.csv row 7, timestamp 'soon'"):
        read_translated(
            CAMERAS, Table("images.csv", {7: row}), survey_id="s", images_root=tmp_path, timezone="+02:00"
        )


def test_a_file_found_for_two_images_is_given_to_neither(tmp_path: Path) -> None:
    write_tree(tmp_path, ["1.jpg", "2.jpg"])
    rows = {
        2: {"camera_id": "A", "timestamp": "2024-05-01T01:00Z", "image": "1.jpg", "image_id": "a"},
        3: {"camera_id": "A", "timestamp": "2024-05-02T01:00Z", "image": "1.jpg", "image_id": "b"},
        4: {"camera_id": "A", "timestamp": "2024-05-03T01:00Z", "image": "2.jpg", "image_id": "c"},
    }
    imported = read_translated(
        CAMERAS, Table("i.csv", rows), survey_id="s", images_root=tmp_path, timezone=None, notes=["first"]
    )
    assert [picture.path for picture in imported.pictures] == [None, None, tmp_path / "2.jpg"]
    assert imported.notes[0] == "first"
    assert "2 image files not found below" in imported.notes[1]


def test_the_dates_of_a_column_become_iso() -> None:
    rows = [Row("a.csv", 2, {"t": text}, Problems()) for text in ("5/5/19 17:21", "7/29/19 18:48")]
    assert iso_column(rows, "t") == ["2019-05-05T17:21:00", "2019-07-29T18:48:00"]
    assert iso_column([], "t") == []
