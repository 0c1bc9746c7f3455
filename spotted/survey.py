"""What a survey holds: cameras, detections and the extent that its scores are normalised by."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields

import numpy as np

from spotted.arrays import BoolArray, Float64Array, IntArray


class Side(enum.IntEnum):
    """The side of an animal that a detection shows; the values are those of `spotted.v1.Side`."""

    UNKNOWN = 0
    LEFT = 1
    RIGHT = 2
    FRONT = 3
    BACK = 4


@dataclass(frozen=True, slots=True)
class Camera:
    """One fixed camera position for one period (a Camtrap DP deployment).

    x_m, y_m: projected position in metres, both None where the position is unknown.
    start_s, end_s: operating period, UTC seconds since 1970; None where it is open.
    location_uncertainty_m: radius within which the true position lies, 0 where it is exact.
    clock_suspect: True where the camera's clock is known to have been wrong.
    """

    camera_id: str
    x_m: float | None = None
    y_m: float | None = None
    start_s: float | None = None
    end_s: float | None = None
    location_uncertainty_m: float = 0.0
    clock_suspect: bool = False

    @property
    def has_position(self) -> bool:
        """True where both coordinates are known."""
        return self.x_m is not None and self.y_m is not None


@dataclass(frozen=True, slots=True)
class Detection:
    """One animal in one image: the unit that is embedded, scored and asked about.

    captured_at_s: UTC seconds since 1970, None where the time is unknown.
    image_id: detections that share it are different animals (two animals in one image).
    encounter_id: one animal at one time and place; "" where unknown.
    individual_id: the known identity, used only by the oracle and by evaluation; "" where unknown.
    image_uri: where a person can look at the image; never opened by the services.
    """

    detection_id: str
    camera_id: str = ""
    captured_at_s: float | None = None
    image_id: str = ""
    side: Side = Side.UNKNOWN
    encounter_id: str = ""
    individual_id: str = ""
    image_uri: str = ""


@dataclass(frozen=True, slots=True)
class Extent:
    """The declared extent of a survey, by which distances and gaps are normalised (ours).

    distance_m: the largest distance between two of its cameras.
    span_s: the time between its start and its end.
    """

    distance_m: float
    span_s: float


@dataclass(frozen=True, slots=True)
class Survey:
    """The bounded effort whose detections are matched with one another."""

    survey_id: str
    start_s: float
    end_s: float
    display_name: str = ""
    cameras: dict[str, Camera] = field(default_factory=dict)

    def extent(self) -> Extent:
        """The extent over which scores are normalised: all cameras with a position, start to end."""
        return Extent(largest_distance_m(self.cameras.values()), self.end_s - self.start_s)


def largest_distance_m(cameras: Iterable[Camera]) -> float:
    """The largest distance between two cameras in metres; 0 with none."""
    points = np.array([(c.x_m, c.y_m) for c in cameras if c.has_position], dtype=np.float64)
    if not len(points):
        return 0.0
    # a camera is one of hundreds, so the full table is small
    gaps = points[:, None, :] - points[None, :, :]
    return math.sqrt(float((gaps**2).sum(axis=-1).max()))


@dataclass(frozen=True, slots=True)
class DetectionTable:
    """The detections of a survey as columns, one row each, for the array functions.

    position_m: (n, 2) projected metres, NaN where unknown.
    time_s: (n,) UTC seconds, NaN where unknown.
    image: (n,) int, equal where two detections share an image; -1 where the image is unknown.
    side: (n,) int, values of `Side`.
    location_uncertainty_m, clock_suspect: (n,), taken over from the camera.
    """

    position_m: Float64Array
    time_s: Float64Array
    image: IntArray
    side: IntArray
    location_uncertainty_m: Float64Array
    clock_suspect: BoolArray

    def __len__(self) -> int:
        return len(self.time_s)

    def at(self, rows: IntArray) -> DetectionTable:
        """Some of the rows, in the order given."""
        return DetectionTable(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def followed_by(self, others: DetectionTable) -> DetectionTable:
        """The rows of both, whose images were numbered together."""
        columns = (field.name for field in fields(self))
        return DetectionTable(**{c: np.concatenate([getattr(self, c), getattr(others, c)]) for c in columns})


def detection_table(
    detections: Sequence[Detection], cameras: Mapping[str, Camera], images: dict[str, int] | None = None
) -> DetectionTable:
    """The columns of detections, with place, uncertainty and clock taken over from their cameras.

    A detection without a camera, or whose camera has no position, has no position.
    images: numbers given to image ids so far, and added to; None begins anew.
    """
    nowhere = Camera("")
    seen_by = [cameras.get(d.camera_id, nowhere) for d in detections]
    images = {} if images is None else images
    return DetectionTable(
        position_m=np.array([(_or_nan(c.x_m), _or_nan(c.y_m)) for c in seen_by], np.float64).reshape(-1, 2),
        time_s=np.array([_or_nan(d.captured_at_s) for d in detections], np.float64),
        image=np.array(
            [images.setdefault(d.image_id, len(images)) if d.image_id else -1 for d in detections], np.int64
        ),
        side=np.array([d.side for d in detections], np.int64),
        location_uncertainty_m=np.array([c.location_uncertainty_m for c in seen_by], np.float64),
        clock_suspect=np.array([c.clock_suspect for c in seen_by], np.bool_),
    )


def id_order(ids: Sequence[str]) -> IntArray:
    """Rank of each id among all, (n,): equal scores are ordered by it."""
    order = np.empty(len(ids), dtype=np.int64)
    order[np.argsort(np.array(ids, dtype=object), kind="stable")] = np.arange(len(ids))
    return order


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
