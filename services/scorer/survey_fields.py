"""Checks of survey fields and camera periods, and the difference of two creations."""

from __future__ import annotations

from services.common.rpc import checks
from spotted import messages
from spotted.survey import Camera, Detection
from spotted.v1 import survey_pb2 as pb


def check_fields(survey: pb.Survey) -> None:
    """Raise InvalidInputError if a survey ends before it starts, or its feasibility settings are invalid."""
    checks.period(survey)
    # the library's class checks its own values
    messages.feasibility(survey.feasibility)


def differing_fields(requested: pb.Survey, stored: pb.Survey) -> list[str]:
    """The fields of a creation that differ from the stored survey, except an omitted embedding spec."""
    fields = ["display_name", "start_time", "end_time", "feasibility"]
    if requested.HasField("embedding"):
        fields.append("embedding")
    return [field for field in fields if getattr(requested, field) != getattr(stored, field)]


def outside_period(detection: Detection, camera: Camera | None) -> str:
    """A message saying how a detection lies outside its camera's period; "" if it does not."""
    if camera is None or detection.captured_at_s is None:
        return ""
    captured = f"detection {detection.detection_id!r} was captured {_utc(detection.captured_at_s)}"
    if camera.start_s is not None and detection.captured_at_s < camera.start_s:
        return f"{captured}, before camera {camera.camera_id!r} began at {_utc(camera.start_s)}"
    if camera.end_s is not None and detection.captured_at_s > camera.end_s:
        return f"{captured}, after camera {camera.camera_id!r} ended at {_utc(camera.end_s)}"
    return ""


def _utc(seconds: float) -> str:
    message = messages.timestamp(seconds)
    return message.ToJsonString() if message else "never"
