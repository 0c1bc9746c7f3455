"""Pictures, instants and periods as messages name them."""

from __future__ import annotations

from datetime import UTC, datetime

from spotted.formats.picture import Picture
from spotted.survey import Camera


def side_of_period(camera: Camera, picture: Picture) -> str:
    """How a picture lies outside the period of its camera."""
    time_s = picture.detection.captured_at_s or 0.0
    if camera.start_s is not None and time_s < camera.start_s:
        bound = f"before its camera {camera.camera_id!r} started ({format_utc(camera.start_s)})"
    else:
        bound = f"after its camera {camera.camera_id!r} ended ({format_utc(camera.end_s or 0.0)})"
    return f"taken {format_utc(time_s)}, {bound}"


def picture_name(picture: Picture) -> str:
    """File and row of a picture, or its detection."""
    return picture.source or f"detection {picture.detection.detection_id!r}"


def format_period(interval: tuple[float, float]) -> str:
    """Start and end of a period in UTC."""
    return f"{format_utc(interval[0])} to {format_utc(interval[1])}"


def format_utc(seconds: float) -> str:
    """An instant in UTC, to the second."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
