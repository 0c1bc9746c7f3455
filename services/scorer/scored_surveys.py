"""Surveys ready to be scored, kept in memory as long as there is room."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from services.common.store.cache import Recent
from services.common.store.folded import Folded
from services.common.survey.heads import HeadStore
from services.common.survey.rows import HalfArray
from services.common.survey.state import Snapshot, SurveyState
from services.common.telemetry import metrics
from services.scorer.calibrations import CalibrationStore
from services.scorer.filters import Columns
from services.scorer.list_cache import ListCache
from services.scorer.local_scores.matched_surveys import MatchedSurveys, local_digest
from services.scorer.surveys import Surveys
from spotted.arrays import Float32Array
from spotted.calibration.model import Calibration
from spotted.errors import InvalidInputError
from spotted.ranking.candidate_lists import CandidateTable
from spotted.ranking.gallery import Gallery
from spotted.ranking.products.on_device import DeviceProducts, open_device
from spotted.ranking.products.product import Products
from spotted.ranking.ranker import Ranker
from spotted.scoring.fusion import Fusion
from spotted.scoring.local_pairs import LocalPairs
from spotted.scoring.parallel import SERIAL, Runner
from spotted.scoring.similarity import unit_rows
from spotted.v1 import survey_pb2 as pb

LISTS_BYTES = 512 * 1024**2
# lists not read for this long leave memory; ranking everyone again costs less than keeping them
LISTS_IDLE_S = 600.0


class ScoredSurvey:
    """A survey at one revision, ready to be scored.

    gallery: with embeddings through the active head, if there is one, and with the active calibration.
    fallback: a message saying why CALIBRATED falls back to the product; "" if there is a calibration.
    local: returns the local scores of the survey, None if it has none; called once, if a score is needed.
    lists: returns the candidate lists of the survey at any revision, kept as long as there is room.
    threads: number of threads to rank with. run: those of single queries, which last.
    products: multiplies the rows of a gallery, or returns None for the products of the CPU.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        gallery: Gallery,
        fallback: str,
        lists: Callable[[], ListCache],
        threads: int = 1,
        local: Callable[[], LocalPairs | None] = lambda: None,
        run: Runner = SERIAL,
        products: Callable[[npt.NDArray[np.floating]], Products | None] = lambda _: None,
    ) -> None:
        self.snapshot = snapshot
        self.without_local = gallery
        self._local = local
        self.threads = threads
        self.run = run
        self._products = products
        self._lists = lists
        self._fallback = fallback

    @cached_property
    def gallery(self) -> Gallery:
        """The detections with all that their scores depend on."""
        return replace(self.without_local, local=self._local())

    @cached_property
    def ranker(self) -> Ranker:
        """The ranker of the gallery, made by the first call that ranks."""
        return Ranker(self.gallery, self._products(self.gallery.embeddings))

    @cached_property
    def columns(self) -> Columns:
        """The columns that filters read."""
        return Columns(self.snapshot)

    def candidate_table(self, k: int, requested: Fusion) -> CandidateTable | None:
        """The k best candidates or more of every detection; None if they would be too many to keep."""
        return self._lists().table(
            self.snapshot,
            self.gallery,
            lambda: self.ranker,
            k,
            self.fusion(requested),
            threads=self.threads,
        )

    def fusion(self, requested: Fusion) -> Fusion:
        """The fusion that is used for a requested one."""
        return Fusion.PRODUCT if self._fallback_of(requested) else requested

    def spec(self, requested: Fusion = Fusion.PRODUCT) -> pb.ScoreSpec:
        """The spec of the scores of a requested fusion."""
        spec = self.snapshot.score_spec(self.fusion(requested))
        spec.fallback = self._fallback_of(requested)
        if requested is Fusion.CALIBRATED and not spec.fallback:
            spec.calibration_digest = self.snapshot.survey.calibration_digest
        if self._uses_local(requested) and not spec.fallback:
            spec.local_digest = local_digest(self.snapshot)
        return spec

    def _uses_local(self, requested: Fusion) -> bool:
        """Whether scores of a fusion depend on the local scores that there are."""
        if requested is not Fusion.CALIBRATED:
            return requested is Fusion.LOCAL
        calibration = self.without_local.calibration
        return calibration is not None and calibration.uses_marks and bool(self.snapshot.local.scores)

    def _fallback_of(self, requested: Fusion) -> str:
        if requested is Fusion.CALIBRATED:
            return self._fallback
        if requested is Fusion.LOCAL and not self.snapshot.local.scores:
            return (
                "no local features of this survey were matched, the product is used; extract and match them "
                "with `spotted embed --local` and `spotted match-marks`"
            )
        return ""


@dataclass(slots=True)
class _Entry:
    """A survey made ready, and the lock held while it is made ready."""

    scored: ScoredSurvey | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class ScoredSurveys:
    """The surveys of a process, ready to be scored; each leaves memory with the survey it was made from.

    matched: reads local scores. lists_bytes: approximate memory for the candidate lists of whole surveys.
    threads: number of threads to rank with. device: multiplies vectors; "cpu", or a device of torch.
    Raises PreconditionError if torch or the device is missing.
    """

    def __init__(
        self,
        surveys: Surveys,
        heads: HeadStore,
        calibrations: CalibrationStore,
        *,
        matched: MatchedSurveys,
        lists_bytes: int = LISTS_BYTES,
        threads: int = 1,
        device: str = "cpu",
    ) -> None:
        self._threads = threads
        if device != "cpu":
            # refused now, and not at the first query
            open_device(device)
        self._device = device
        pool = ThreadPoolExecutor(threads, thread_name_prefix="query") if threads > 1 else None
        self._run = Runner(threads, pool)
        self._surveys = surveys
        self._heads = heads
        self._calibrations = calibrations
        self._matched = matched
        self._entries: WeakKeyDictionary[Folded[SurveyState], _Entry] = WeakKeyDictionary()
        self._lists: Recent[str, ListCache] = Recent(
            lists_bytes, lambda lists: lists.size_bytes, idle_s=LISTS_IDLE_S
        )
        self._lock = threading.Lock()

    def get(self, survey_id: str) -> ScoredSurvey:
        """A survey at its present revision in the store. Raises NotFoundError."""
        folded = self._surveys.folded(survey_id)
        snapshot = folded.view(lambda state, _: state.snapshot())
        with self._lock:
            entry = self._entries.setdefault(folded, _Entry())
        # the first caller makes it ready, the others wait
        with entry.lock:
            if entry.scored is None or entry.scored.snapshot is not snapshot:
                entry.scored = self._make_ready(snapshot, entry.scored)
            return entry.scored

    def adapt_rows(self, scored: ScoredSurvey, base: HalfArray) -> HalfArray:
        """Stored base vectors (m, D) of any survey through the active head of this one, if it has one."""
        digest = scored.snapshot.survey.head_digest
        if not digest or not len(base):
            return base
        head = self._heads.get(digest, scored.snapshot.organisation)
        return head.apply(unit_rows(base)).astype(np.float16)

    def adapt(self, scored: ScoredSurvey, base: Float32Array) -> Float32Array:
        """One base unit vector (D,) through the active head, if there is one."""
        digest = scored.snapshot.survey.head_digest
        return self._heads.get(digest, scored.snapshot.organisation).apply(base[None])[0] if digest else base

    def _make_ready(self, snapshot: Snapshot, before: ScoredSurvey | None) -> ScoredSurvey:
        calibration, fallback = self._calibration(snapshot)
        gallery = replace(self._through_head(snapshot, before), calibration=calibration)
        survey_id = snapshot.survey.survey_id
        return ScoredSurvey(
            snapshot,
            gallery,
            fallback,
            lambda: self._lists_of(survey_id),
            self._threads,
            lambda: self._matched.pairs(snapshot),
            self._run,
            self._on_device,
        )

    def _on_device(self, vectors: npt.NDArray[np.floating]) -> Products | None:
        return None if self._device == "cpu" else DeviceProducts(vectors, self._device)

    def _lists_of(self, survey_id: str) -> ListCache:
        lists = self._lists.get(survey_id, ListCache)
        metrics.LISTS_BYTES.set(self._lists.state()[1])
        return lists

    def _through_head(self, snapshot: Snapshot, before: ScoredSurvey | None) -> Gallery:
        digest = snapshot.survey.head_digest
        if not digest or not snapshot.detections:
            return snapshot.gallery
        known = np.empty((0, snapshot.base.shape[1]), np.float16)
        if (
            before is not None
            and before.snapshot.survey.head_digest == digest
            and before.snapshot.generation == snapshot.generation
        ):
            # rows that were adapted before are not adapted again
            known = before.without_local.embeddings.astype(np.float16, copy=False)
        fresh = self._heads.get(digest, snapshot.organisation).apply(unit_rows(snapshot.base[len(known) :]))
        adapted = np.concatenate([known, fresh.astype(np.float16)])
        return replace(snapshot.gallery, embeddings=adapted)

    def _calibration(self, snapshot: Snapshot) -> tuple[Calibration | None, str]:
        """The active calibration, or a message saying why none can be used."""
        digest = snapshot.survey.calibration_digest
        if not digest:
            return None, "this survey has no calibration, the product is used; fit a calibration"
        try:
            fitted = self._calibrations.get(digest, snapshot.organisation)
        except InvalidInputError as error:
            return None, f"the product is used: {error}"
        calibration, fitted_on = fitted.calibration, fitted.score_spec
        now = snapshot.score_spec()
        if (fitted_on.head_digest, fitted_on.feasibility_digest) != (now.head_digest, now.feasibility_digest):
            return None, (
                "the calibration was fitted on scores of another head, feasibility or extent, the product is "
                "used; fit the calibration again"
            )
        # one that was fitted before there were any counts marks as LOCAL does
        others = fitted.local_features_digest not in {"", snapshot.survey.local_features.digest}
        if calibration.uses_marks and snapshot.local.scores and others:
            return None, (
                "the calibration was fitted on marks of other local features, the product is used; fit the "
                "calibration again"
            )
        return calibration, ""
