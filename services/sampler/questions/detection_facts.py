"""Detections and cameras that are shown with a question, without scores."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.common.store.cache import Recent
from services.sampler.survey_values import Scorer, SurveyFacts, Version
from spotted.errors import NotFoundError

# approximate memory for facts; the least recently used ones are dropped and read again when needed
BUDGET_BYTES = 512 * 1024**2
IDLE_S = 600.0
# memory per detection: its ids, times and numbers as Python objects
DETECTION_BYTES = 1500


@dataclass(slots=True)
class _Entry:
    """The facts of a survey as last read."""

    facts: SurveyFacts | None = None
    revision: int = 0
    """The latest revision that these facts serve."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Held while the facts are read."""


class DetectionFacts:
    """The detections and cameras of surveys, as last read from the scorer."""

    def __init__(self, scorer: Scorer, *, budget_bytes: int = BUDGET_BYTES, idle_s: float = IDLE_S) -> None:
        """Begin with an empty cache. idle_s: facts not used for this long are dropped from memory."""
        self._scorer = scorer
        self._entries: Recent[tuple[str, str], _Entry] = Recent(budget_bytes, _size, idle_s=idle_s)

    def including(self, survey_id: str, since: Version, detection_ids: Sequence[str]) -> SurveyFacts:
        """Facts of a survey, read again if one of these detections is missing from the cached ones.

        since: the version that the questions were planned from; older facts are read again.
        A detection that was deleted since remains missing. Raises NotFoundError for the survey.
        """
        key = (survey_id, since.uid)
        entry = self._entries.get(key, _Entry)
        cached = entry.facts
        if (
            cached is not None
            and since.revision <= entry.revision
            and all(i in cached.detections for i in detection_ids)
        ):
            return cached
        with entry.lock:
            # another thread may have read it while this one waited
            if entry.facts is None or entry.facts is cached:
                entry.facts = self._read(key)
                # an imported session may have a round of a survey with a higher revision
                entry.revision = max(since.revision, entry.facts.version.revision)
            return entry.facts

    def _read(self, key: tuple[str, str]) -> SurveyFacts:
        try:
            return self._scorer.facts(key[0])
        except NotFoundError:
            # ids of surveys that do not exist take no memory
            self._entries.drop(key)
            raise


def _size(entry: _Entry) -> int:
    return DETECTION_BYTES * len(entry.facts.detections) if entry.facts else 0
