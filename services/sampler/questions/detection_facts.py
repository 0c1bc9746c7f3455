"""What is known of the detections on an annotator's screen, without their scores."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.common.store.cache import Recent
from services.sampler.scorer_client import Scorer, SurveyFacts, Version
from spotted.errors import NotFoundError

# memory that facts may take, about; others than those used last are read again when they are needed again
BUDGET_BYTES = 512 * 1024**2
IDLE_S = 600.0
# of a detection: its ids, times and numbers as Python objects
DETECTION_BYTES = 1500


@dataclass(slots=True)
class _Kept:
    """What was last read of a survey, the latest revision that it serves, and the lock of those who read."""

    facts: SurveyFacts | None = None
    revision: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Facts:
    """The detections and cameras of surveys, as last read from the scorer.

    idle_s: what nobody asked for that long leaves memory.
    """

    def __init__(self, scorer: Scorer, *, budget_bytes: int = BUDGET_BYTES, idle_s: float = IDLE_S) -> None:
        self._scorer = scorer
        self._kept: Recent[tuple[str, str], _Kept] = Recent(budget_bytes, _size, idle_s=idle_s)

    def knowing(self, survey_id: str, since: Version, detection_ids: Sequence[str]) -> SurveyFacts:
        """Facts of a survey, read anew where one of these detections is not known yet.

        since: the version that the questions were planned from; facts from before it are read anew.
        A detection that was deleted since stays unknown. Raises NotFoundError for the survey.
        """
        key = (survey_id, since.uid)
        kept = self._kept.get(key, _Kept)
        seen = kept.facts
        if (
            seen is not None
            and since.revision <= kept.revision
            and all(i in seen.detections for i in detection_ids)
        ):
            return seen
        with kept.lock:
            # another thread may have read it while this one waited
            if kept.facts is None or kept.facts is seen:
                kept.facts = self._read(key)
                # a session from elsewhere brings a round of a survey that may have changed more often
                kept.revision = max(since.revision, kept.facts.version.revision)
            return kept.facts

    def _read(self, key: tuple[str, str]) -> SurveyFacts:
        try:
            return self._scorer.facts(key[0])
        except NotFoundError:
            # ids that name no survey take no memory
            self._kept.drop(key)
            raise


def _size(kept: _Kept) -> int:
    return DETECTION_BYTES * len(kept.facts.detections) if kept.facts else 0
