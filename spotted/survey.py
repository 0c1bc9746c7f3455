"""Surveys: cameras, detections, and the extent by which scores are normalised.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields

import numpy as np

from spotted.arrays import BoolArray, Float64Array, IntArray
from spotted.outliers import largest_distance_m, outlying_places

# cameras of one station see one animal pass; farther apart they are several stations under one name
STATION_EXTENT_M = 1000.0


class Side(enum.IntEnum):
    """The visible side of an animal; the values are those of `spotted.v1.Side`.

    >>> Side["LEFT"], Side(2).name
    (<Side.LEFT: 1>, 'RIGHT')
    """

    UNKNOWN = 0
    LEFT = 1
    RIGHT = 2
    FRONT = 3
    BACK = 4


@dataclass(frozen=True, slots=True)
class ImageBox:
    """The part of an upright image that shows one animal; its origin is the top left corner."""

    x: float
    """Left edge."""
    y: float
    """Top edge."""
    width: float
    height: float
    in_pixels: bool = False
    """Whether the numbers are pixels; else they are fractions of the image's width and height."""


@dataclass(frozen=True, slots=True)
class Camera:
    """One fixed camera position for one period (a Camtrap DP deployment).

    >>> Camera("ford-03", x_m=352_140.0, y_m=9_871_005.0).has_position
    True
    """

    camera_id: str
    x_m: float | None = None
    """Projected easting in metres, None if unknown."""
    y_m: float | None = None
    """Projected northing in metres, None if unknown."""
    start_s: float | None = None
    """Start of the operating period, UTC seconds since 1970, None if open."""
    end_s: float | None = None
    """End of the operating period, UTC seconds since 1970, None if still operating."""
    location_uncertainty_m: float = 0.0
    """Radius within which the true position lies, 0 if exact."""
    clock_suspect: bool = False
    """Whether the camera's clock is known to have been wrong."""
    latitude_deg: float | None = None
    """WGS84, None if the position is given in metres or unknown; the services project it to x_m and y_m."""
    longitude_deg: float | None = None
    """WGS84, None as latitude_deg."""
    station: str = ""
    """Name of the station that it shares with other cameras; "" if it is one of its own."""

    @property
    def station_id(self) -> str:
        """The name of its station: its own id unless it shares one."""
        return self.station or self.camera_id

    @property
    def has_position(self) -> bool:
        """Whether both coordinates in metres are known."""
        return self.x_m is not None and self.y_m is not None


@dataclass(frozen=True, slots=True)
class Detection:
    """One animal in one image: the unit that is embedded, scored and asked about.

    >>> Detection("d1", "ford-03", 1_700_000_000.0, side=Side.LEFT).encounter_id
    ''
    """

    detection_id: str
    camera_id: str = ""
    """"" if unknown."""
    captured_at_s: float | None = None
    """UTC seconds since 1970, None if unknown."""
    image_id: str = ""
    """Detections of equal image are different animals (two animals in one image); "" if unknown."""
    side: Side = Side.UNKNOWN
    encounter_id: str = ""
    """One animal at one time and place; "" if unknown."""
    individual_id: str = ""
    """The known identity, for calibration, the oracle and evaluation; "" if unknown."""
    image_uri: str = ""
    """Link to the image for people; the services never open it."""
    box: ImageBox | None = None
    """The part of the image that shows the animal, None for the whole image or if unknown."""
    species: str = ""
    """e.g. "Panthera pardus"; "" if unknown."""


@dataclass(frozen=True, slots=True)
class Extent:
    """The declared extent of a survey, by which distances and gaps are normalised."""

    distance_m: float
    """Largest distance between two cameras, without those whose position is most likely wrong."""
    span_s: float
    """Time between the start and the end of the survey."""
    start_s: float | None = None
    """Start of the survey, UTC seconds since 1970: a time outside the survey is that of a wrong clock; None:
    every time is believed."""


@dataclass(frozen=True, slots=True)
class Survey:
    """A bounded field effort, within which detections are matched with one another.

    >>> survey = Survey(
    ...     "serengeti-2026",
    ...     start_s=0.0,
    ...     end_s=864_000.0,
    ...     cameras={"CAM01": Camera("CAM01", 0.0, 0.0), "CAM02": Camera("CAM02", 3000.0, 4000.0)},
    ... )
    >>> survey.extent()
    Extent(distance_m=5000.0, span_s=864000.0, start_s=0.0)
    """

    survey_id: str
    start_s: float
    """UTC seconds since 1970."""
    end_s: float
    """UTC seconds since 1970."""
    display_name: str = ""
    cameras: dict[str, Camera] = field(default_factory=dict)
    """By camera id."""
    time_zone: str = ""
    """IANA name of the zone in which instants are shown and days begin; "" for UTC."""

    def extent(self) -> Extent:
        """The extent by which scores are normalised: cameras with a believable position, start to end."""
        _, position_m = self._placed()
        distance_m = largest_distance_m(position_m[~outlying_places(position_m)])
        return Extent(distance_m, self.end_s - self.start_s, self.start_s)

    def outlying_cameras(self) -> list[str]:
        """Ids of the cameras whose position is left out of the extent because it is most likely wrong."""
        placed, position_m = self._placed()
        return [placed[index] for index in np.flatnonzero(outlying_places(position_m))]

    def _placed(self) -> tuple[list[str], Float64Array]:
        """Ids of the cameras with a position, and the positions (n, 2) of their stations, metres."""
        placed = [camera for camera in self.cameras.values() if camera.has_position]
        return [camera.camera_id for camera in placed], _places(placed, self.cameras)


@dataclass(frozen=True, slots=True)
class DetectionTable:
    """The detections of a survey as columns, one row each, for the array functions."""

    position_m: Float64Array
    """(n, 2) projected metres, NaN if unknown."""
    time_s: Float64Array
    """(n,) UTC seconds, NaN if unknown."""
    image: IntArray
    """(n,) equal for detections of one image, -1 if the image is unknown."""
    side: IntArray
    """(n,) values of `Side`."""
    location_uncertainty_m: Float64Array
    """(n,) of the camera."""
    clock_suspect: BoolArray
    """(n,) of the camera."""

    def __len__(self) -> int:
        return len(self.time_s)

    def at(self, rows: IntArray) -> DetectionTable:
        """The given rows, in that order."""
        return DetectionTable(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def replaced(self, rows: IntArray, others: DetectionTable) -> DetectionTable:
        """A copy with some rows taken from another whose images were numbered together with these."""
        columns = {field.name: getattr(self, field.name).copy() for field in fields(self)}
        for name, column in columns.items():
            column[rows] = getattr(others, name)
        return DetectionTable(**columns)

    def followed_by(self, others: DetectionTable) -> DetectionTable:
        """The rows of this table and then of another whose images were numbered together with these."""
        columns = (field.name for field in fields(self))
        return DetectionTable(**{c: np.concatenate([getattr(self, c), getattr(others, c)]) for c in columns})


def detection_table(
    detections: Sequence[Detection], cameras: Mapping[str, Camera], images: dict[str, int] | None = None
) -> DetectionTable:
    """The columns of detections, with position, uncertainty and clock from their cameras.

    A detection without a camera, or whose camera has no position, has no position. Cameras of one station,
    unless they lie more than STATION_EXTENT_M apart, are at one place, the middle of their positions: no
    journey leads from one to the other.
    images: the number of each known image id; new ids are added. None starts from an empty numbering.
    """
    no_camera = Camera("")
    seen_by = [cameras.get(d.camera_id, no_camera) for d in detections]
    images = {} if images is None else images
    return DetectionTable(
        position_m=_places(seen_by, cameras),
        time_s=np.array([_or_nan(d.captured_at_s) for d in detections], np.float64),
        image=np.array(
            [images.setdefault(d.image_id, len(images)) if d.image_id else -1 for d in detections], np.int64
        ),
        side=np.array([d.side for d in detections], np.int64),
        location_uncertainty_m=np.array([c.location_uncertainty_m for c in seen_by], np.float64),
        clock_suspect=np.array([c.clock_suspect for c in seen_by], np.bool_),
    )


def shared_station(cameras: Mapping[str, Camera], first: str, second: str) -> str:
    """The station of two different cameras by their ids; "" if they do not share one.

    >>> cameras = {one: Camera(one, station="ford") for one in ("A", "B")} | {"C": Camera("C")}
    >>> [shared_station(cameras, "A", other) for other in ("B", "C", "A")]
    ['ford', '', '']
    """
    pair = cameras.get(first), cameras.get(second)
    if first == second or pair[0] is None or pair[1] is None:
        return ""
    return pair[0].station_id if pair[0].station_id == pair[1].station_id else ""


def _places(seen_by: Sequence[Camera], cameras: Mapping[str, Camera]) -> Float64Array:
    """(n, 2) where each camera stands as far as journeys are concerned, metres, NaN if unknown."""
    middles = _station_middles({c.station_id for c in seen_by}, cameras)
    unknown = (math.nan, math.nan)
    places = [middles.get(c.station_id, (c.x_m, c.y_m)) if c.has_position else unknown for c in seen_by]
    return np.array(places, np.float64).reshape(-1, 2)


def _station_middles(wanted: set[str], cameras: Mapping[str, Camera]) -> dict[str, tuple[float, float]]:
    """The middle of each of the stations that has cameras at several places near one another."""
    if not any(camera.station for camera in cameras.values()):
        return {}
    places: dict[str, set[tuple[float, float]]] = {}
    for camera in cameras.values():
        if camera.x_m is not None and camera.y_m is not None and camera.station_id in wanted:
            places.setdefault(camera.station_id, set()).add((camera.x_m, camera.y_m))
    # in one order, so that sums never differ
    shared = {station: np.array(sorted(own)) for station, own in places.items() if len(own) > 1}
    return {
        station: (float(own[:, 0].mean()), float(own[:, 1].mean()))
        for station, own in shared.items()
        if largest_distance_m(own) <= STATION_EXTENT_M
    }


def id_order(ids: Sequence[str]) -> IntArray:
    """Rank of each id among all, (n,); equal scores are ordered by it."""
    order = np.empty(len(ids), dtype=np.int64)
    order[np.argsort(np.array(ids, dtype=object), kind="stable")] = np.arange(len(ids))
    return order


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
