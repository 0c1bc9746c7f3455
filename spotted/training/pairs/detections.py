"""The detections of a survey as columns, as far as temporal pairs need them."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from spotted.arrays import BoolArray, Float64Array, IntArray
from spotted.formats.picture import Picture

_NO_BOX = (math.nan, math.nan, math.nan, math.nan)


@dataclass(frozen=True, slots=True)
class BoxedDetections:
    """The detections of a survey with their boxes, one row each.

    >>> from spotted.survey import Detection
    >>> seen = Detection("d1", "ford-03", 1_700_000_000.0, image_id="a.jpg")
    >>> columns = boxed_detections([Picture(seen, None, box=(0.25, 0.5, 0.5, 0.25))])
    >>> columns.corners.tolist(), columns.individual.tolist(), columns.usable.tolist()
    ([[0.25, 0.5, 0.75, 0.75]], [-1], [True])
    """

    camera: IntArray
    """(n,) equal for detections of one camera, -1 if it is unknown."""
    time_s: Float64Array
    """(n,) UTC seconds, NaN if unknown."""
    frame: IntArray
    """(n,) equal for detections of one photograph."""
    corners: Float64Array
    """(n, 4) left, top, right, bottom as fractions of the photograph, NaN without a box."""
    individual: IntArray
    """(n,) equal for one known individual, -1 if it is unknown."""
    species: IntArray
    """(n,) equal for one species, -1 if it is unknown."""

    def __len__(self) -> int:
        return len(self.time_s)

    @property
    def usable(self) -> BoolArray:
        """(n,) whether camera, time and box are known, without which nothing can be paired."""
        known: BoolArray = (self.camera >= 0) & np.isfinite(self.time_s)
        return known & np.isfinite(self.corners).all(axis=1)


def boxed_detections(pictures: Sequence[Picture]) -> BoxedDetections:
    """The columns of pictures; those of one image file, or else of one image id, are one frame."""
    detections = [picture.detection for picture in pictures]
    frames = (
        picture.path or picture.detection.image_id or ("row", row) for row, picture in enumerate(pictures)
    )
    boxes = [_NO_BOX if picture.box is None else picture.box for picture in pictures]
    corners = np.array(boxes, dtype=np.float64).reshape(-1, 4)
    corners[:, 2:] += corners[:, :2]
    times = (one.captured_at_s for one in detections)
    return BoxedDetections(
        camera=_numbered(one.camera_id for one in detections),
        time_s=np.array([math.nan if time is None else time for time in times], dtype=np.float64),
        frame=_numbered(frames),
        corners=corners,
        individual=_numbered(one.individual_id for one in detections),
        species=_numbered(one.species for one in detections),
    )


def _numbered(values: Iterable[Hashable]) -> IntArray:
    """Equal numbers for equal values, from 0 in order of appearance; -1 for ""."""
    numbers: dict[Hashable, int] = {}
    return np.array(
        [-1 if one == "" else numbers.setdefault(one, len(numbers)) for one in values], dtype=np.int64
    )
