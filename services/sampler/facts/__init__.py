"""Facts about the detections of a session besides labels.

asked          which image and vector of each detection an answer is about
roster         the detections by item, those that are gone too
session_facts  names, flanks, encounters and the filter, by detection
survey_read    the same as read from the survey and stored in the journal
"""

from services.sampler.facts.session_facts import SessionFacts
from services.sampler.facts.survey_read import has_names, read_survey, uses_names

__all__ = ["SessionFacts", "has_names", "read_survey", "uses_names"]
