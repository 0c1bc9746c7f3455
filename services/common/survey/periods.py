"""The periods in which a survey and its cameras take photographs, and detections outside them."""

from __future__ import annotations

from dataclasses import dataclass

from spotted import messages
from spotted.survey import Camera, Detection
from spotted.v1 import survey_pb2 as pb


@dataclass(frozen=True, slots=True)
class Period:
    """The period of a survey; both ends belong to it."""

    survey_id: str
    start_s: float
    """UTC seconds since 1970."""
    end_s: float
    """UTC seconds since 1970."""

    @classmethod
    def of(cls, survey: pb.Survey) -> Period:
        """The declared period of a survey."""
        return cls(survey.survey_id, messages.seconds(survey.start_time), messages.seconds(survey.end_time))


def outside_period(detection: Detection, camera: Camera | None, period: Period) -> str:
    """A message saying how a detection lies outside the period of its camera or survey; "" if it does not.

    The time of a camera whose clock is suspect proves nothing about the survey, and an unknown time nothing
    at all.
    """
    time_s = detection.captured_at_s
    if time_s is None:
        return ""
    own = _outside(time_s, f"camera {camera.camera_id!r}", camera.start_s, camera.end_s) if camera else ""
    if not own and not (camera and camera.clock_suspect):
        own = _outside(time_s, f"survey {period.survey_id!r}", period.start_s, period.end_s)
    return own and f"detection {detection.detection_id!r} was captured {_utc(time_s)}, {own}"


def _outside(time_s: float, named: str, start_s: float | None, end_s: float | None) -> str:
    if start_s is not None and time_s < start_s:
        return f"before {named} began at {_utc(start_s)}"
    if end_s is not None and time_s > end_s:
        return f"after {named} ended at {_utc(end_s)}"
    return ""


def _utc(seconds: float) -> str:
    message = messages.timestamp(seconds)
    return message.ToJsonString() if message else "never"
