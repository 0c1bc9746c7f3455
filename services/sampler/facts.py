"""What is known of the detections on an annotator's screen, without their scores."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from services.sampler.scoring import Scorer, SurveyFacts

# so many surveys are kept; others are read again when they are needed again
KEPT = 16


class Facts:
    """The detections and cameras of surveys, as last read from the scorer."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self._kept: dict[str, SurveyFacts] = {}
        self._lock = threading.Lock()

    def knowing(self, survey_id: str, detection_ids: Sequence[str]) -> SurveyFacts:
        """Facts of a survey, read anew where one of these detections is not known yet.

        A detection that was deleted since stays unknown. Raises NotFoundError for the survey.
        """
        kept = self._kept.get(survey_id)
        if kept is None or not all(i in kept.detections for i in detection_ids):
            with self._lock:
                revision = kept and kept.revision
                kept = self._kept.get(survey_id)
                # another thread may have read it while this one waited
                if kept is None or kept.revision == revision:
                    kept = self._scorer.facts(survey_id)
                self._kept.pop(survey_id, None)
                self._kept[survey_id] = kept
                while len(self._kept) > KEPT:
                    self._kept.pop(next(iter(self._kept)))
        return kept
