"""The outputs of an object detector as boxes, in the forms in which detectors are exported.

    yolov5               (boxes, 5 + classes): centre x, centre y, width, height, objectness, class scores
    yolov8               (4 + classes, boxes): the same without objectness; also YOLOv9 and YOLO11
    end-to-end           (boxes, 6): left, top, right, bottom, confidence, class; YOLOv10, and exports that
                         include the suppression
    yolov7               (boxes of a whole batch, 7): number of the image in the batch, left, top, right,
                         bottom, class, confidence; YOLOv7 exported with its suppression
    rt-detr              (queries, 4 + classes), or (queries, 4) and (queries, classes): centre x, centre y,
                         width, height, class scores
    labels-boxes-scores  (boxes,), (boxes, 4) corners, (boxes,)

The first four forms are found transposed too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from spotted.arrays import FloatArray, IntArray
from spotted.errors import InvalidInputError

OutputForm: TypeAlias = Literal["yolov5", "yolov8", "end-to-end", "yolov7", "rt-detr", "labels-boxes-scores"]
ScoreKind: TypeAlias = Literal["probabilities", "logits"]

FORMS: tuple[OutputForm, ...] = (
    "yolov5",
    "yolov8",
    "end-to-end",
    "yolov7",
    "rt-detr",
    "labels-boxes-scores",
)
# columns before the scores of the classes
_BOX, _WITH_OBJECTNESS = 4, 5
_CORNER_COLUMNS, _NUMBERED_COLUMNS = 6, 7
# probabilities of exported networks exceed 1 by rounding, float16 by more
_ROUNDING = 1e-2


@dataclass(frozen=True, slots=True)
class FoundBoxes:
    """Boxes in one input of a detector.

    >>> found = FoundBoxes(np.zeros((2, 4)), np.array([0.9, 0.2]), np.array([0, 1]))
    >>> found[np.array([1])].category.tolist()
    [1]
    """

    corners: FloatArray
    """(n, 4) left, top, right, bottom, pixels of the input or fractions of it, as the detector returns."""
    confidence: FloatArray
    """(n,) 0 to 1."""
    category: IntArray
    """(n,) index of the class."""

    def __getitem__(self, chosen: IntArray | np.ndarray[tuple[int], np.dtype[np.bool_]]) -> FoundBoxes:
        return FoundBoxes(self.corners[chosen], self.confidence[chosen], self.category[chosen])


def read_outputs(
    arrays: Sequence[FloatArray], form: OutputForm, *, classes: int, scores: ScoreKind, least: float
) -> FoundBoxes:
    """The boxes of one image with a confidence of at least `least`, each with its most likely class.

    arrays: the outputs of the detector for this image, in the order that the module describes.
    classes: number of classes. scores: what the scores of objectness and classes are.
    Boxes that are not finite or have no area are left out.
    Raises InvalidInputError if the arrays do not have the form, or hold a confidence that is none.

    >>> rows = np.array([[50.0, 50, 20, 10, 0.8, 0.9, 0.1], [10, 10, 4, 4, 0.1, 0.5, 0.5]])
    >>> found = read_outputs([rows], "yolov5", classes=2, scores="probabilities", least=0.2)
    >>> found.corners.tolist(), found.confidence.round(2).tolist(), found.category.tolist()
    ([[40.0, 45.0, 60.0, 55.0]], [0.72], [0])
    """
    arrays = [np.asarray(array, dtype=np.float64) for array in arrays]
    if form == "labels-boxes-scores":
        corners, confidence, category = _separate(arrays)
    elif form == "end-to-end":
        corners, confidence, category = _cornered(_only(arrays, form))
    elif form == "yolov7":
        corners, confidence, category = _numbered(_only(arrays, form))
    else:
        corners, confidence, category = _centred(arrays, form, classes, scores)
    _check_confidence(confidence)
    usable = np.isfinite(corners).all(axis=1) & (corners[:, 2:] > corners[:, :2]).all(axis=1)
    # exports of a fixed length fill up with rows of class -1 or confidence 0
    known = (category >= 0) & (category < classes)
    chosen = usable & known & (confidence >= least) & (confidence > 0.0)
    return FoundBoxes(corners, np.minimum(confidence, 1.0), category)[chosen]


def rows_of_image(array: FloatArray, index: int) -> FloatArray:
    """The rows of one image in an array of the form yolov7. index: its number in the batch.

    Raises InvalidInputError if the array does not have the form.

    >>> rows = np.array([[0.0, 1, 2, 3, 4, 0, 0.9], [1, 5, 6, 7, 8, 2, 0.8]])
    >>> rows_of_image(rows, 1)[:, 5].tolist()
    [2.0]
    """
    rows = _rows(_only([array], "yolov7"), _NUMBERED_COLUMNS, "yolov7", columns_first=False)
    own: FloatArray = rows[rows[:, 0] == index]
    return own


def _centred(
    arrays: Sequence[FloatArray], form: OutputForm, classes: int, scores: ScoreKind
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Corners, confidence and class of boxes that are given by their centres."""
    if form == "rt-detr" and len(arrays) > 1:
        rows = _joined(arrays, classes)
    else:
        before = _WITH_OBJECTNESS if form == "yolov5" else _BOX
        rows = _rows(_only(arrays, form), before + classes, form, columns_first=form == "yolov8")
    likely = rows[:, -classes:]
    objectness = rows[:, _BOX] if form == "yolov5" else np.ones(len(rows))
    if scores == "logits":
        likely = _logistic(likely)
        objectness = _logistic(objectness) if form == "yolov5" else objectness
    category: IntArray = likely.argmax(axis=1)
    confidence = objectness * likely[np.arange(len(rows)), category]
    half = rows[:, 2:_BOX] / 2.0
    return np.concatenate([rows[:, :2] - half, rows[:, :2] + half], axis=1), confidence, category


def _cornered(array: FloatArray) -> tuple[FloatArray, FloatArray, IntArray]:
    """Corners, confidence and class of boxes after suppression."""
    rows = _rows(array, _CORNER_COLUMNS, "end-to-end", columns_first=False)
    return rows[:, :_BOX], rows[:, 4], _whole(rows[:, 5])


def _numbered(array: FloatArray) -> tuple[FloatArray, FloatArray, IntArray]:
    """Corners, confidence and class of boxes behind the number of their image."""
    rows = _rows(array, _NUMBERED_COLUMNS, "yolov7", columns_first=False)
    return rows[:, 1 : 1 + _BOX], rows[:, -1], _whole(rows[:, -2])


def _separate(arrays: Sequence[FloatArray]) -> tuple[FloatArray, FloatArray, IntArray]:
    """Corners, confidence and class of three arrays."""
    shapes = [array.shape for array in arrays]
    if len(shapes) != len(("labels", "boxes", "scores")) or shapes[1] != (*shapes[0], _BOX):
        raise _other_form("labels-boxes-scores", "(n,), (n, 4) and (n,)", shapes)
    labels, corners, confidence = arrays
    if labels.ndim != 1 or confidence.shape != labels.shape:
        raise _other_form("labels-boxes-scores", "(n,), (n, 4) and (n,)", shapes)
    return corners, confidence, _whole(labels)


def _only(arrays: Sequence[FloatArray], form: OutputForm) -> FloatArray:
    # exports may add feature maps after the first output
    if not arrays or arrays[0].ndim != len(("boxes", "columns")):
        raise _other_form(form, "(boxes, columns)", [array.shape for array in arrays])
    return arrays[0]


def _joined(arrays: Sequence[FloatArray], classes: int) -> FloatArray:
    """Boxes and scores side by side."""
    shapes = [array.shape for array in arrays]
    queries = shapes[0][0] if shapes[0] else 0
    if shapes != [(queries, _BOX), (queries, classes)]:
        raise _other_form("rt-detr", f"(n, 4) and (n, {classes})", shapes)
    return np.concatenate(arrays, axis=1)


def _rows(array: FloatArray, columns: int, form: OutputForm, *, columns_first: bool) -> FloatArray:
    """An array with one box in each row. columns_first: how to read one that is as long as wide."""
    fits = [columns == length for length in array.shape]
    if not any(fits):
        raise _other_form(form, f"(n, {columns}) or ({columns}, n)", [array.shape])
    transposed = columns_first if all(fits) else fits[0]
    return array.T if transposed else array


def _whole(numbers: FloatArray) -> IntArray:
    """Classes as integers; -1 for what is no number."""
    return np.where(np.isfinite(numbers), numbers, -1.0).round().astype(np.int64)


def _logistic(scores: FloatArray) -> FloatArray:
    # the exponential overflows to infinity, and its inverse is 0 as it should
    with np.errstate(over="ignore"):
        probabilities: FloatArray = 1.0 / (1.0 + np.exp(-scores))
    return probabilities


def _check_confidence(confidence: FloatArray) -> None:
    if not ((confidence >= -_ROUNDING) & (confidence <= 1.0 + _ROUNDING)).all():
        raise InvalidInputError(
            f"the detector returned confidences from {confidence.min():.3g} to {confidence.max():.3g} "
            'instead of 0 to 1; set "scores" to "logits" in its manifest, or correct "output"',
            field="scores",
        )


def _other_form(form: OutputForm, wanted: str, shapes: Sequence[tuple[int, ...]]) -> InvalidInputError:
    found = ", ".join(map(str, shapes)) or "no array"
    return InvalidInputError(
        f'the detector returned {found} for an image, which is not {form}: {wanted}; correct "output" and '
        '"class_names" in its manifest',
        field="output",
    )
