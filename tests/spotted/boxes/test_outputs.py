from __future__ import annotations

import math

import numpy as np
import pytest

from spotted.arrays import FloatArray
from spotted.boxes.outputs import OutputForm, ScoreKind, read_outputs, rows_of_image
from spotted.errors import InvalidInputError

CLASSES = 3
LEAST = 0.3
Row = tuple[list[float], float, int]


def drawn(rows: int, columns: int, *, form: OutputForm) -> FloatArray:
    """Rows of centres, sizes and scores; some sizes are 0 or negative."""
    rng = np.random.default_rng(rows * columns)
    boxes = np.concatenate([rng.uniform(0, 64, (rows, 2)), rng.uniform(-4, 20, (rows, 2))], axis=1)
    scores = (
        rng.uniform(-3, 3, (rows, columns - 4))
        if form == "rt-detr"
        else rng.uniform(size=(rows, columns - 4))
    )
    return np.concatenate([boxes, scores], axis=1)


def plainly(rows: FloatArray, form: OutputForm) -> list[Row]:
    """The boxes of rows of centres by a loop."""
    found: list[Row] = []
    for x, y, width, height, *returned in rows.tolist():
        logits = form == "rt-detr"
        scores = [1 / (1 + math.exp(-score)) for score in returned] if logits else returned
        objectness = scores.pop(0) if form == "yolov5" else 1.0
        confidence = objectness * max(scores)
        if width > 0 and height > 0 and confidence >= LEAST:
            corners = [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
            found.append((corners, confidence, scores.index(max(scores))))
    return found


def read(arrays: list[FloatArray], form: OutputForm, scores: ScoreKind = "probabilities") -> list[Row]:
    found = read_outputs(arrays, form, classes=CLASSES, scores=scores, least=LEAST)
    return list(zip(found.corners.tolist(), found.confidence.tolist(), found.category.tolist(), strict=True))


def same(found: list[Row], expected: list[Row]) -> None:
    assert [one[2] for one in found] == [one[2] for one in expected]
    np.testing.assert_allclose([one[0] for one in found], [one[0] for one in expected], atol=1e-9)
    np.testing.assert_allclose([one[1] for one in found], [one[1] for one in expected], atol=1e-9)


@pytest.mark.parametrize(("form", "columns"), [("yolov5", 8), ("yolov8", 7)])
def test_centres_become_corners_in_either_orientation(form: OutputForm, columns: int) -> None:
    rows = drawn(50, columns, form=form)
    expected = plainly(rows, form)
    assert 5 < len(expected) < 50
    same(read([rows], form), expected)
    same(read([rows.T], form), expected)


def test_an_array_as_long_as_wide_is_read_as_its_form_is_exported() -> None:
    rows = drawn(7, 7, form="yolov8")
    same(read([rows.T], "yolov8"), plainly(rows, "yolov8"))
    rows = drawn(8, 8, form="yolov5")
    same(read([rows], "yolov5"), plainly(rows, "yolov5"))


def test_queries_with_logits_are_read_from_one_array_or_two() -> None:
    rows = drawn(40, 7, form="rt-detr")
    expected = plainly(rows, "rt-detr")
    assert expected
    same(read([rows], "rt-detr", "logits"), expected)
    same(read([rows[:, :4], rows[:, 4:]], "rt-detr", "logits"), expected)


def test_objectness_as_a_logit_is_a_probability_too() -> None:
    row = np.array([[10.0, 10, 4, 4, 0.0, 9, -9, -9]])
    ((_, confidence, category),) = read([row], "yolov5", "logits")
    assert (round(confidence, 3), category) == (0.5, 0)


def test_logits_of_any_size_stay_finite() -> None:
    row = np.array([[10.0, 10, 4, 4, -1e5, 1e5, -1e5]])
    ((_, confidence, category),) = read([row], "rt-detr", "logits")
    assert (confidence, category) == (1.0, 1)


@pytest.mark.parametrize("transposed", [False, True])
def test_corners_after_suppression_are_taken_as_they_are(*, transposed: bool) -> None:
    # a kept box, one below the confidence, a row that fills up, a class that is none
    rows = np.array(
        [
            [1.0, 2, 3, 4, 0.9, 2],
            [1, 2, 3, 4, 0.1, 0],
            [0, 0, 0, 0, 0, 0],
            [1, 2, 3, 4, 0.8, -1],
            [1, 2, 3, 4, 0.7, 3],
        ]
    )
    assert read([rows.T if transposed else rows], "end-to-end") == [([1.0, 2.0, 3.0, 4.0], 0.9, 2)]


@pytest.mark.parametrize("transposed", [False, True])
def test_boxes_of_a_batch_are_those_that_a_loop_finds_for_each_image(*, transposed: bool) -> None:
    rng = np.random.default_rng(7)
    corners = rng.uniform(0, 64, (60, 4))
    rows = np.column_stack([rng.integers(0, 4, 60), corners, rng.integers(-1, 5, 60), rng.uniform(size=60)])
    rows[5, 0], rows[6, 3], rows[7, 5] = math.nan, math.inf, math.nan
    found_any = 0
    for image in range(4):
        expected = [
            (row[1:5], row[6], int(row[5]))
            for row in rows.tolist()
            if row[0] == image
            and row[6] >= LEAST
            and row[5] in range(CLASSES)
            and all(map(math.isfinite, row[1:5]))
            and row[3] > row[1]
            and row[4] > row[2]
        ]
        own = rows_of_image(rows.T if transposed else rows, image)
        assert read([own], "yolov7") == expected
        found_any += len(expected)
    assert found_any
    assert read([rows_of_image(rows, 9)], "yolov7") == []
    with pytest.raises(InvalidInputError, match=r"is not yolov7: \(n, 7\)"):
        rows_of_image(np.zeros((9, 6)), 0)


def test_labels_boxes_and_scores_come_in_three_arrays() -> None:
    labels, scores = np.array([2, 0, 1]), np.array([0.9, 0.2, 0.5])
    boxes = np.array([[1.0, 2, 3, 4], [1, 2, 3, 4], [5, 5, 9, 9]])
    found = read([labels, boxes, scores], "labels-boxes-scores")
    assert found == [([1.0, 2.0, 3.0, 4.0], 0.9, 2), ([5.0, 5.0, 9.0, 9.0], 0.5, 1)]


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_a_box_that_is_not_finite_is_left_out(wrong: float) -> None:
    rows = np.array([[wrong, 2, 3, 4, 0.9, 2], [1, 2, 3, 4, 0.9, 0]])
    assert [row[2] for row in read([rows], "end-to-end")] == [0]


def test_no_box_is_no_error() -> None:
    assert read([np.zeros((0, 6))], "end-to-end") == []
    assert read([np.zeros((7, 0))], "yolov8") == []
    assert read([np.zeros((0, 4)), np.zeros((0, 3))], "rt-detr") == []


@pytest.mark.parametrize(
    ("arrays", "form", "message"),
    [
        ([np.zeros((9, 9))], "yolov5", r"\(9, 9\) for an image, which is not yolov5: \(n, 8\) or \(8, n\)"),
        ([np.zeros((2, 9, 9))], "yolov8", r"\(2, 9, 9\)"),
        ([np.zeros((9, 7))], "end-to-end", r"\(n, 6\)"),
        ([np.zeros((9, 4)), np.zeros((9, 2))], "rt-detr", r"\(n, 4\) and \(n, 3\)"),
        ([np.zeros(9), np.zeros((9, 4))], "labels-boxes-scores", r"\(n,\), \(n, 4\) and \(n,\)"),
        ([np.zeros(9), np.zeros((9, 4)), np.zeros(8)], "labels-boxes-scores", "manifest"),
        ([], "yolov8", "no array"),
        ([np.array([[1.0, 2, 3, 4, -7, 2]])], "end-to-end", 'from -7 to -7 instead of 0 to 1; set "scores"'),
        ([np.array([[1.0, 2, 3, 4, math.nan, 2]])], "end-to-end", "instead of 0 to 1"),
    ],
)
def test_outputs_of_another_form_are_refused(
    arrays: list[FloatArray], form: OutputForm, message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        read(arrays, form)
