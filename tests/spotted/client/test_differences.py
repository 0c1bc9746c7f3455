from __future__ import annotations

from dataclasses import replace

from spotted.client.differences import (
    FieldChange,
    changed_fields,
    changed_images,
    compare_cameras,
    compare_detections,
    wide_enough,
)
from spotted.survey import Camera, Detection, Side

A, B, C = (Detection(i, "C1", 10.0, image_id=f"image-{i}", image_uri=f"/old/{i}.jpg") for i in "abc")


def test_equal_content_has_no_difference() -> None:
    # stored times have microseconds
    finer = replace(A, captured_at_s=10.000_000_04)
    assert not compare_detections([A, B], [finer, B])
    assert not compare_cameras([Camera("C1", 1.0, 2.0)], [Camera("C1", 1.0, 2.0)])


def test_added_changed_and_removed_rows_are_named_with_their_fields() -> None:
    changed = replace(A, captured_at_s=None, side=Side.LEFT)
    differences = compare_detections([A, B], [C, changed])
    assert (differences.added, differences.removed) == (("c",), ("b",))
    assert differences.changed == {
        "a": (FieldChange("captured_at_s", 10.0, None), FieldChange("side", Side.UNKNOWN, Side.LEFT))
    }
    assert differences


def test_a_station_that_the_files_name_now_is_a_change() -> None:
    differences = compare_cameras([Camera("C1")], [Camera("C1", station="ford")])
    assert differences.changed == {"C1": (FieldChange("station", "", "ford"),)}


def test_changes_are_grouped_by_their_fields_and_images_are_apart() -> None:
    moved = [replace(one, image_uri=f"/new/{one.detection_id}.jpg") for one in (A, B)]
    other = replace(C, image_id="another", image_uri="/new/c.jpg")
    differences = compare_detections([A, B, C], [*moved, other])
    assert changed_fields(differences) == {("image_uri",): ["a", "b"]}
    assert changed_images(differences) == ["c"]


def test_periods_contain_both_the_stored_and_the_present_ones() -> None:
    stored = {"C1": Camera("C1", 0.0, 0.0, 5.0, 9.0), "C2": Camera("C2", start_s=None, end_s=9.0)}
    present = [Camera("C1", 1.0, 0.0, 7.0, 20.0), Camera("C2", start_s=3.0, end_s=8.0), Camera("C3")]
    assert wide_enough(stored, present) == [
        Camera("C1", 1.0, 0.0, 5.0, 20.0),
        Camera("C2", start_s=None, end_s=9.0),
        Camera("C3"),
    ]
