"""What is known of the detections on an annotator's screen, without their scores."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.common.recent import Recent
from services.sampler.scoring import Scorer, SurveyFacts
from spotted.errors import NotFoundError

# memory that facts may take, about; others than those used last are read again when they are needed again
BUDGET_BYTES = 512 * 1024**2
# of a detection: its ids, times and numbers as Python objects
DETECTION_BYTES = 1500


@dataclass(slots=True)
class _Kept:
    """What was last read of a survey, and the lock of those who read it."""

    facts: SurveyFacts | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class Facts:
    """The detections and cameras of surveys, as last read from the scorer."""

    def __init__(self, scorer: Scorer, *, budget_bytes: int = BUDGET_BYTES) -> None:
        self._scorer = scorer
        self._kept: Recent[str, _Kept] = Recent(budget_bytes, _size)

    def knowing(self, survey_id: str, detection_ids: Sequence[str]) -> SurveyFacts:
        """Facts of a survey, read anew where one of these detections is not known yet.

        A detection that was deleted since stays unknown. Raises NotFoundError for the survey.
        """
        kept = self._kept.get(survey_id, _Kept)
        seen = kept.facts
        if seen is not None and all(i in seen.detections for i in detection_ids):
            return seen
        with kept.lock:
            # another thread may have read it while this one waited
            if kept.facts is None or kept.facts is seen:
                kept.facts = self._read(survey_id)
            return kept.facts

    def _read(self, survey_id: str) -> SurveyFacts:
        try:
            return self._scorer.facts(survey_id)
        except NotFoundError:
            # ids that name no survey take no memory
            self._kept.drop(survey_id)
            raise


def _size(kept: _Kept) -> int:
    return DETECTION_BYTES * len(kept.facts.detections) if kept.facts else 0
