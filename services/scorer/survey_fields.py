"""Checks of survey fields, and the difference of two creations."""

from __future__ import annotations

from services.common.rpc import checks
from spotted import messages
from spotted.v1 import survey_pb2 as pb


def check_fields(survey: pb.Survey) -> None:
    """Raise InvalidInputError if a survey ends before it starts, or its feasibility settings are invalid."""
    checks.period(survey)
    # the library's class checks its own values
    messages.feasibility(survey.feasibility)


def differing_fields(requested: pb.Survey, stored: pb.Survey) -> list[str]:
    """The fields of a creation that differ from the stored survey, except an omitted embedding spec."""
    fields = ["display_name", "start_time", "end_time", "feasibility", "time_zone"]
    if requested.HasField("embedding"):
        fields.append("embedding")
    return [field for field in fields if getattr(requested, field) != getattr(stored, field)]
