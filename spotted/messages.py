"""Library values as messages of the contract and back."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from spotted.arrays import Float32Array
from spotted.errors import InvalidInputError
from spotted.scoring.feasibility import FeasibilityParams
from spotted.survey import Camera, Detection, ImageBox, Side
from spotted.v1 import local_features_pb2
from spotted.v1 import survey_pb2 as pb

DTYPES: dict[pb.ElementType.ValueType, np.dtype[np.floating]] = {
    pb.ELEMENT_TYPE_FLOAT16: np.dtype("<f2"),
    pb.ELEMENT_TYPE_FLOAT32: np.dtype("<f4"),
}
_SIDES = {
    Side.UNKNOWN: pb.SIDE_UNSPECIFIED,
    Side.LEFT: pb.SIDE_LEFT,
    Side.RIGHT: pb.SIDE_RIGHT,
    Side.FRONT: pb.SIDE_FRONT,
    Side.BACK: pb.SIDE_BACK,
}
# a Tensor of the contract has at most rows and columns
MOST_AXES = 2
# 9999-12-31T23:59:59Z, the last instant that google.protobuf.Timestamp allows
LAST_INSTANT_S = 253_402_300_799.0
FIRST_INSTANT_S = -62_135_596_800.0


def timestamp(seconds: float | None) -> Timestamp | None:
    """UTC seconds since 1970 as a Timestamp, to the microsecond; None stays None.

    Raises InvalidInputError outside the years 1 to 9999.
    """
    if seconds is None:
        return None
    if not FIRST_INSTANT_S <= seconds <= LAST_INSTANT_S:
        raise InvalidInputError(
            f"{seconds} seconds since 1970 is outside the years 1 to 9999; correct the time"
        )
    whole = math.floor(seconds)
    micros = round((seconds - whole) * 1e6)
    message = Timestamp()
    message.FromMicroseconds(whole * 1_000_000 + micros)
    return message


def seconds(message: Timestamp) -> float:
    """A Timestamp as UTC seconds since 1970."""
    return message.seconds + message.nanos * 1e-9


def optional_seconds(message: Message, field: str) -> float | None:
    """A Timestamp field of a message as UTC seconds since 1970; None if it is not set."""
    return seconds(getattr(message, field)) if message.HasField(field) else None


def duration(seconds: float | None) -> Duration | None:
    """Seconds as a Duration; None stays None."""
    if seconds is None:
        return None
    message = Duration()
    message.FromNanoseconds(round(seconds * 1e9))
    return message


def tensor(array: npt.NDArray[np.floating]) -> pb.Tensor:
    """An array as a Tensor: float16 stays float16, all else is sent as float32."""
    message = pb.Tensor()
    fill_tensor(message, array)
    return message


def fill_tensor(message: pb.Tensor, array: npt.NDArray[np.floating]) -> bytes:
    """Write an array into an empty Tensor, as `tensor`, which costs a copy less if it is part of a message.

    Returns its content.
    """
    half = array.dtype == np.float16
    message.element_type = pb.ELEMENT_TYPE_FLOAT16 if half else pb.ELEMENT_TYPE_FLOAT32
    content = np.asarray(array, dtype=DTYPES[message.element_type]).tobytes()
    message.content = content
    message.shape[:] = array.shape
    return content


def array(message: pb.Tensor, *, field: str = "tensor") -> npt.NDArray[np.floating]:
    """A Tensor as a read-only array of its own element type.

    Raises InvalidInputError that names `field` if type, shape and content do not match.
    """
    dtype = DTYPES.get(message.element_type)
    if dtype is None:
        raise InvalidInputError(f"{field} has no element_type; set FLOAT16 or FLOAT32", field=field)
    if len(message.shape) > MOST_AXES:
        raise InvalidInputError(
            f"{field} has {len(message.shape)} axes; send {MOST_AXES} at most, rows and columns", field=field
        )
    shape = tuple(message.shape)
    expected = math.prod(shape) * dtype.itemsize
    if len(message.content) != expected:
        raise InvalidInputError(
            f"{field} has {len(message.content)} bytes, but shape {shape} of {dtype.name} needs {expected}",
            field=field,
        )
    return np.frombuffer(message.content, dtype=dtype).reshape(shape)


def vector(message: pb.Tensor) -> Float32Array:
    """A Tensor as a writable float32 array."""
    return array(message).astype(np.float32)


def camera_message(camera: Camera) -> pb.Camera:
    """A camera as a message."""
    position = None
    if camera.x_m is not None and camera.y_m is not None:
        position = pb.Position(x_m=camera.x_m, y_m=camera.y_m)
    geo_position = None
    if camera.latitude_deg is not None and camera.longitude_deg is not None:
        geo_position = pb.GeoPosition(latitude_deg=camera.latitude_deg, longitude_deg=camera.longitude_deg)
    return pb.Camera(
        camera_id=camera.camera_id,
        position=position,
        geo_position=geo_position,
        start_time=timestamp(camera.start_s),
        end_time=timestamp(camera.end_s),
        location_uncertainty_m=camera.location_uncertainty_m,
        clock_suspect=camera.clock_suspect,
        station=camera.station,
    )


def camera(message: pb.Camera) -> Camera:
    """A camera from its message, without checks."""
    known, geo = message.HasField("position"), message.HasField("geo_position")
    return Camera(
        camera_id=message.camera_id,
        x_m=message.position.x_m if known else None,
        y_m=message.position.y_m if known else None,
        start_s=seconds(message.start_time) if message.HasField("start_time") else None,
        end_s=seconds(message.end_time) if message.HasField("end_time") else None,
        location_uncertainty_m=message.location_uncertainty_m,
        clock_suspect=message.clock_suspect,
        station=message.station,
        latitude_deg=message.geo_position.latitude_deg if geo else None,
        longitude_deg=message.geo_position.longitude_deg if geo else None,
    )


def detection_message(detection: Detection) -> pb.Detection:
    """A detection as a message."""
    box, in_pixels = detection.box, detection.box is not None and detection.box.in_pixels
    sides = {"x": box.x, "y": box.y, "width": box.width, "height": box.height} if box else {}
    return pb.Detection(
        detection_id=detection.detection_id,
        camera_id=detection.camera_id,
        captured_at=timestamp(detection.captured_at_s),
        image_id=detection.image_id,
        side=_SIDES[detection.side],
        encounter_id=detection.encounter_id,
        individual_id=detection.individual_id,
        image_uri=detection.image_uri,
        pixels=pb.PixelBox(**sides) if in_pixels else None,
        fractions=pb.FractionBox(**sides) if box and not in_pixels else None,
        species=detection.species,
    )


def detection(message: pb.Detection) -> Detection:
    """A detection from its message, without checks; a side of a later contract becomes unknown."""
    return Detection(
        detection_id=message.detection_id,
        camera_id=message.camera_id,
        captured_at_s=seconds(message.captured_at) if message.HasField("captured_at") else None,
        image_id=message.image_id,
        side=Side(message.side) if message.side in _SIDES.values() else Side.UNKNOWN,
        encounter_id=message.encounter_id,
        individual_id=message.individual_id,
        image_uri=message.image_uri,
        box=_box(message),
        species=message.species,
    )


def feasibility_message(params: FeasibilityParams) -> pb.FeasibilitySettings:
    """Feasibility parameters as a message."""
    return pb.FeasibilitySettings(
        decay=params.decay,
        clock_uncertainty_s=params.clock_uncertainty_s,
        use_location_uncertainty=params.use_location_uncertainty,
        max_speed_kmh=params.max_speed_kmh,
    )


def feasibility(message: pb.FeasibilitySettings) -> FeasibilityParams:
    """Feasibility parameters from their message; decay 0 means the default."""
    return FeasibilityParams(
        decay=message.decay or FeasibilityParams().decay,
        clock_uncertainty_s=message.clock_uncertainty_s,
        use_location_uncertainty=message.use_location_uncertainty,
        max_speed_kmh=message.max_speed_kmh if message.HasField("max_speed_kmh") else None,
    )


def matched_points(
    points: npt.NDArray[np.floating], weights: npt.NDArray[np.floating]
) -> list[local_features_pb2.MatchedPoint]:
    """Matched marks, from their positions in both crops as fractions (m, 4) and their weights (m,)."""
    return [
        local_features_pb2.MatchedPoint(
            first_x=x, first_y=y, second_x=other_x, second_y=other_y, weight=weight
        )
        for (x, y, other_x, other_y), weight in zip(points.tolist(), weights.tolist(), strict=True)
    ]


def _box(message: pb.Detection) -> ImageBox | None:
    kind = message.WhichOneof("box")
    if kind is None:
        return None
    box = message.pixels if kind == "pixels" else message.fractions
    return ImageBox(box.x, box.y, box.width, box.height, in_pixels=kind == "pixels")
