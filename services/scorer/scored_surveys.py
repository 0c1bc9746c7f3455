"""Surveys as they are scored, kept ready in memory as long as there is room."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np

from services.common.store.cache import Recent
from services.common.store.folded import Folded
from services.common.survey.heads import HeadStore
from services.common.survey.state import Snapshot, SurveyState
from services.common.telemetry import metrics
from services.scorer.calibrations import CalibrationStore
from services.scorer.filters import Columns
from services.scorer.list_cache import StandingLists
from services.scorer.surveys import Surveys
from spotted.arrays import Float32Array
from spotted.calibration.model import Calibration
from spotted.ranking.candidate_lists import Standing
from spotted.ranking.gallery import Gallery
from spotted.scoring.fusion import Fusion
from spotted.scoring.similarity import unit_rows
from spotted.v1 import survey_pb2 as pb

LISTS_BYTES = 512 * 1024**2
# lists that nobody read for so long leave memory; ranking everyone anew costs less than they take
LISTS_IDLE_S = 600.0


class Scored:
    """A survey at one revision, as it is scored.

    gallery: through the active head, where there is one, and with the active calibration.
    fallback: why there is no calibration, in words. lists: those of the survey, whatever its revision, as
        long as there is room for them. threads: to rank with.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        gallery: Gallery,
        fallback: str,
        lists: Callable[[], StandingLists],
        threads: int = 1,
    ) -> None:
        self.snapshot = snapshot
        self.gallery = gallery
        self.threads = threads
        self._lists = lists
        self._fallback = fallback

    @cached_property
    def columns(self) -> Columns:
        """What filters look at."""
        return Columns(self.snapshot)

    def standing(self, k: int, asked: Fusion) -> Standing | None:
        """Lists of k candidates or more of every detection; None where they would be too long to keep."""
        fusion = self.fusion(asked)
        return self._lists().of(self.snapshot, self.gallery, k, fusion, threads=self.threads)

    def fusion(self, asked: Fusion) -> Fusion:
        """The fusion that is used where `asked` was asked for."""
        return Fusion.PRODUCT if asked is Fusion.CALIBRATED and self._fallback else asked

    def spec(self, asked: Fusion = Fusion.PRODUCT) -> pb.ScoreSpec:
        """What the scores are made from where `asked` was asked for."""
        spec = self.snapshot.score_spec(self.fusion(asked))
        if asked is Fusion.CALIBRATED:
            spec.fallback = self._fallback
            spec.calibration_digest = "" if self._fallback else self.snapshot.survey.calibration_digest
        return spec


@dataclass(slots=True)
class _Kept:
    """A survey made ready, and the lock of those who do so."""

    scored: Scored | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class Galleries:
    """The surveys of a process as they are scored; they leave memory with the surveys that they are of.

    lists_bytes: memory that candidate lists of whole surveys may take, about. threads: to rank with.
    """

    def __init__(
        self,
        surveys: Surveys,
        heads: HeadStore,
        calibrations: CalibrationStore,
        *,
        lists_bytes: int = LISTS_BYTES,
        threads: int = 1,
    ) -> None:
        self._threads = threads
        self._surveys = surveys
        self._heads = heads
        self._calibrations = calibrations
        self._kept: WeakKeyDictionary[Folded[SurveyState], _Kept] = WeakKeyDictionary()
        self._lists: Recent[str, StandingLists] = Recent(
            lists_bytes, lambda lists: lists.size_bytes, idle_s=LISTS_IDLE_S
        )
        self._lock = threading.Lock()

    def scored(self, survey_id: str) -> Scored:
        """A survey as it stands in the store. Raises NotFoundError."""
        folded = self._surveys.folded(survey_id)
        snapshot = folded.view(lambda state, _: state.snapshot())
        with self._lock:
            kept = self._kept.setdefault(folded, _Kept())
        # the first to come makes it ready, the others wait for it
        with kept.lock:
            if kept.scored is None or kept.scored.snapshot is not snapshot:
                kept.scored = self._ready(snapshot, kept.scored)
            return kept.scored

    def adapted(self, scored: Scored, base: Float32Array) -> Float32Array:
        """One base unit vector (D,) as it is scored: through the active head, where there is one."""
        digest = scored.snapshot.survey.head_digest
        return self._heads.get(digest, scored.snapshot.organisation).apply(base[None])[0] if digest else base

    def _ready(self, snapshot: Snapshot, before: Scored | None) -> Scored:
        calibration, fallback = self._calibration(snapshot)
        gallery = replace(self._through_head(snapshot, before), calibration=calibration)
        survey_id = snapshot.survey.survey_id
        return Scored(snapshot, gallery, fallback, lambda: self._lists_of(survey_id), self._threads)

    def _lists_of(self, survey_id: str) -> StandingLists:
        found = self._lists.get(survey_id, StandingLists)
        metrics.LISTS_BYTES.set(self._lists.state()[1])
        return found

    def _through_head(self, snapshot: Snapshot, before: Scored | None) -> Gallery:
        digest = snapshot.survey.head_digest
        if not digest or not snapshot.detections:
            return snapshot.gallery
        known = np.empty((0, snapshot.base.shape[1]), np.float16)
        if (
            before is not None
            and before.snapshot.survey.head_digest == digest
            and before.snapshot.generation == snapshot.generation
        ):
            # rows that were adapted before stay as they are
            known = before.gallery.embeddings.astype(np.float16, copy=False)
        fresh = self._heads.get(digest, snapshot.organisation).apply(unit_rows(snapshot.base[len(known) :]))
        adapted = np.concatenate([known, fresh.astype(np.float16)])
        return replace(snapshot.gallery, embeddings=adapted)

    def _calibration(self, snapshot: Snapshot) -> tuple[Calibration | None, str]:
        """The active calibration, or why there is none that fits, in words."""
        digest = snapshot.survey.calibration_digest
        if not digest:
            return None, "this survey has no calibration, the product ranks; fit one with FitCalibration"
        calibration, fitted_on = self._calibrations.get(digest, snapshot.organisation)
        now = snapshot.score_spec()
        if (fitted_on.head_digest, fitted_on.feasibility_digest) != (now.head_digest, now.feasibility_digest):
            return None, (
                "the calibration was fitted on scores of another head, feasibility or extent, the product "
                "ranks; fit it again with FitCalibration"
            )
        return calibration, ""
