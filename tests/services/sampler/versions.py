"""The version of a survey that facts are read from, its content, and the detections of a session."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from services.sampler.facts.roster import Roster
from services.sampler.survey_values import SurveyFacts, Version
from spotted.survey import Detection
from spotted.v1.session_facts_pb2 import SurveyRead

VERSION = Version("u", 1)


def content(
    detections: Iterable[Detection], versions: Mapping[str, int] | None = None, version: Version = VERSION
) -> SurveyFacts:
    """A survey of these detections."""
    return SurveyFacts(version, {one.detection_id: one for one in detections}, {}, dict(versions or {}))


def roster(*detection_ids: str) -> Roster:
    """The detections of a session, in the order of their items."""
    made = Roster()
    made.take_in(SurveyRead(added_detection_ids=detection_ids), None)
    return made
