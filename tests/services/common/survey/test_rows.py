from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.common.survey.rows import DetectionRows
from spotted.survey import Camera, Detection, detection_table, id_order

CAMERAS = {"CAM01": Camera("CAM01", 3.0, 4.0), "CAM02": Camera("CAM02", clock_suspect=True)}
IDS = [f"d{n}" for n in range(30)]


def detection(detection_id: str) -> Detection:
    number = int(detection_id[1:])
    image = f"image-{number // 3}" if number % 4 else ""
    return Detection(detection_id, f"CAM0{number % 3}", float(number), image_id=image)


def vector(detection_id: str) -> list[float]:
    return [float(detection_id[1:]), 1.0]


def other(detection_id: str) -> Detection:
    """What a detection is corrected to."""
    return replace(detection(detection_id), camera_id="CAM02", captured_at_s=-1.0, image_id="image-0")


def append(rows: DetectionRows, ids: list[str]) -> None:
    rows.append([detection(i) for i in ids], np.array([vector(i) for i in ids], np.float16).reshape(-1, 2))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["add", "remove", "correct"]),
            st.lists(st.sampled_from(IDS), max_size=8, unique=True),
        ),
        max_size=12,
    )
)
def test_rows_are_those_of_a_plain_list_after_any_history(history: list[tuple[str, list[str]]]) -> None:
    rows = DetectionRows()
    plain: list[str] = []
    corrected: set[str] = set()
    for change, ids in history:
        if change == "add":
            fresh = [i for i in ids if i not in plain]
            append(rows, fresh)
            plain += fresh
        elif change == "remove":
            rows.remove(ids)
            plain = [i for i in plain if i not in ids]
            corrected -= set(ids)
        else:
            present = [i for i in ids if i in plain]
            rows.update([other(i) for i in present])
            corrected |= set(present)
        # the columns are read between changes, so that they grow from every state
        now = [other(i) if i in corrected else detection(i) for i in plain]
        table, expected = rows.table(CAMERAS), detection_table(now, CAMERAS)
        assert list(rows.by_id.values()) == now
        np.testing.assert_array_equal(table.time_s, expected.time_s)
        assert list(rows.by_id) == plain
        assert [rows.row_of[i] for i in plain] == list(range(len(plain)))
        np.testing.assert_array_equal(rows.order(), id_order(plain))
        np.testing.assert_array_equal(rows.vectors(2), np.array([vector(i) for i in plain]).reshape(-1, 2))
        np.testing.assert_array_equal(table.position_m, expected.position_m)
        np.testing.assert_array_equal(table.clock_suspect, expected.clock_suspect)
        same = table.image[:, None] == table.image[None, :]
        np.testing.assert_array_equal(same, expected.image[:, None] == expected.image[None, :])


def test_what_was_read_stays_as_it_was() -> None:
    rows = DetectionRows()
    append(rows, ["d1", "d2"])
    vectors, table, known = rows.vectors(2), rows.table(CAMERAS), rows.row_of
    before = vectors.copy()
    append(rows, [f"d{n}" for n in range(5, 5000)])
    rows.remove(["d1"])
    np.testing.assert_array_equal(vectors, before)
    assert len(table) == 2
    assert (known["d1"], rows.row_of["d2"], rows.generation) == (0, 0, 1)


def test_removing_nothing_keeps_the_numbering() -> None:
    rows = DetectionRows()
    append(rows, ["d1"])
    rows.remove(["nosuch"])
    assert (rows.generation, len(rows)) == (0, 1)


def test_cameras_that_move_take_their_detections_along() -> None:
    rows = DetectionRows()
    append(rows, ["d1"])
    assert rows.table(CAMERAS).position_m.tolist() == [[3.0, 4.0]]
    rows.move()
    assert rows.table({"CAM01": Camera("CAM01", 8.0, 9.0)}).position_m.tolist() == [[8.0, 9.0]]


def test_no_detection_has_vectors_of_the_surveys_width() -> None:
    assert DetectionRows().vectors(7).shape == (0, 7)
