"""The individuals of detections, from the files of a survey or from a session."""

from __future__ import annotations

from collections.abc import Sequence

from spotted.client import SurveyHandle
from spotted.counting import same_pairs
from spotted.errors import PreconditionError
from spotted.survey import Detection


def known_names(
    survey: SurveyHandle, session_id: str, detections: Sequence[Detection], consequence: str
) -> list[str]:
    """The individual of each detection, "" if unknown.

    session_id: the session whose individuals they are; "" for the known ones of the survey.
    consequence: what is not possible without two detections of one individual, for the message.
    Raises PreconditionError if no two detections share an individual.
    """
    if session_id:
        known = {
            detection_id: one.individual_id
            for one in survey.session(session_id).individuals()
            for detection_id in one.detection_ids
        }
        individuals = [known.get(d.detection_id, "") for d in detections]
        remedy = f"answer questions with `spotted annotate {survey.survey_id} --session {session_id}` first"
    else:
        individuals = [d.individual_id for d in detections]
        remedy = "import a survey whose observations have individualID, or give a labelled --session"
    if not same_pairs(individuals):
        raise PreconditionError(
            f"no individual of {survey.survey_id!r} is known from two detections, so {consequence}; {remedy}"
        )
    return individuals
