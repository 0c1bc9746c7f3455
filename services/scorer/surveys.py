"""The surveys of a store: created, changed, deleted, and read as snapshots."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from google.protobuf.timestamp_pb2 import Timestamp

from services.common.access.caller import Caller
from services.common.store import keys
from services.common.store.cache import Recent
from services.common.store.folded import Folded
from services.common.store.journal import Change
from services.common.store.store import Store
from services.common.survey.existence import Existence
from services.common.survey.heads import HeadStore
from services.common.survey.periods import Period, outside_period
from services.common.survey.places import check_places, place
from services.common.survey.state import Snapshot, SurveyState, described, etag, folded_survey, uid_of
from services.common.telemetry import metrics
from services.scorer.survey_fields import check_fields, differing_fields
from spotted import messages
from spotted.errors import (
    AlreadyExistsError,
    ConcurrencyError,
    DamagedError,
    DigestMismatchError,
    NotFoundError,
    PreconditionError,
)
from spotted.survey import Camera
from spotted.v1 import store_pb2
from spotted.v1 import survey_pb2 as pb
from spotted.v1.scorer_pb2 import FitCalibrationResponse

BUDGET_BYTES = 4 * 1024**3
FIT = "FitCalibration"
PERIOD = frozenset({"start_time", "end_time"})

logger = logging.getLogger("spotted")


class Surveys:
    """All surveys of a store, each rebuilt from its journal once per process.

    budget_bytes: approximate memory for surveys. The least recently used leave memory first and are read from
        the store again on their next use; the one in use always stays.
    grown: called with a survey and the bytes of vectors that were added to it.
    """

    def __init__(
        self,
        store: Store,
        heads: HeadStore,
        *,
        now: Callable[[], Timestamp],
        budget_bytes: int = BUDGET_BYTES,
        grown: Callable[[str, int], None] = lambda *_: None,
    ) -> None:
        self._store = store
        self._heads = heads
        self._now = now
        self.grown = grown
        metrics.SURVEYS_BUDGET_BYTES.set(budget_bytes)
        self._existence = Existence(store)
        self._folded: Recent[str, Folded[SurveyState]] = Recent(
            budget_bytes, lambda folded: folded.peek().size_bytes, _log_eviction
        )

    def create(self, survey: pb.Survey, request_id: str, *, most: int = 0) -> pb.Survey:
        """Create a survey.

        most: number of surveys that its organisation may have, 0 for no limit.
        Raises AlreadyExistsError if the id is taken by other content, QuotaError.
        """
        entry = self.entry(store_pb2.SurveyEvent(survey=survey))
        made = described(survey, uid=uid_of(entry), cameras=0, detections=0, revision=1)
        answer = made.SerializeToString()
        first = self._existence.create_survey(survey.survey_id, entry, answer, request_id, most=most)
        if first is not None:
            return pb.Survey.FromString(first)
        stored = self.described(survey.survey_id)
        differing = differing_fields(survey, stored)
        if differing:
            raise AlreadyExistsError(
                f"survey {survey.survey_id!r} exists with another {differing[0]}; update it, or choose "
                "another survey_id"
            )
        return stored

    def list_ids(self, organisation: str = "") -> list[str]:
        """The ids of all surveys of an organisation, sorted."""
        return self._existence.listing.ids(organisation)

    def visible_ids(self, caller: Caller) -> list[str]:
        """The ids of the surveys that a caller may see, sorted."""
        ids = self.list_ids(caller.organisation)
        return [survey_id for survey_id in ids if caller.sees(survey_id.removeprefix(caller.prefix))]

    def snapshot(self, survey_id: str) -> Snapshot:
        """A survey at its present revision in the store. Raises NotFoundError."""
        return self.folded(survey_id).view(lambda state, _: state.snapshot())

    def described(self, survey_id: str) -> pb.Survey:
        """A survey's own fields and counts, without its detections. Raises NotFoundError."""
        return self.folded(survey_id).view(lambda state, _: state.described())

    def existing(self, survey_ids: Sequence[str]) -> list[pb.Survey]:
        """The given surveys with the time of their last change, without those that were deleted.

        Of damaged ones only the id and the damage.
        """

        def look(state: SurveyState, _: int) -> pb.Survey:
            found = state.described()
            found.update_time.CopyFrom(state.updated)
            return found

        surveys = []
        for survey_id in survey_ids:
            try:
                surveys.append(self.folded(survey_id).view(look))
            except NotFoundError:
                # deleted since the ids were listed
                continue
            except DamagedError as error:
                surveys.append(pb.Survey(survey_id=survey_id, damage=str(error)))
        return surveys

    def update(self, survey: pb.Survey, paths: Sequence[str], request_id: str) -> pb.Survey:
        """Change the named fields.

        Raises NotFoundError, ConcurrencyError if the etag is stale, PreconditionError if a detection lies
        outside a new period.
        """

        def decide(state: SurveyState) -> Change:
            if survey.etag and survey.etag != etag(state.survey):
                raise ConcurrencyError(
                    f"survey {survey.survey_id!r} changed since it was read; read it again and repeat"
                )
            changed = _copy(state.survey)
            for path in paths:
                changed.ClearField(path)  # type: ignore[arg-type] # checked on the wire
                changed.MergeFrom(pb.Survey(**{path: getattr(survey, path)}))
            check_fields(changed)
            if PERIOD.intersection(paths):
                _check_detections(state, Period.of(changed), state.cameras)
            return self._own_fields(state, changed)

        return self._changed(survey.survey_id, decide, "UpdateSurvey", request_id)

    def activate_head(self, survey_id: str, digest: str, request_id: str) -> pb.Survey:
        """Score through a head from now on; "" for none. Raises NotFoundError, DigestMismatchError."""
        head = self._heads.get(digest, keys.owner(survey_id)) if digest else None

        def decide(state: SurveyState) -> Change:
            if head is not None and head.spec != state.survey.embedding:
                raise DigestMismatchError(
                    f"head {digest[:12]} was trained on vectors of another backbone or preprocessing than "
                    f"survey {survey_id!r} holds; train one on this survey"
                )
            changed = _copy(state.survey)
            changed.head_digest = digest
            return self._own_fields(state, changed)

        return self._changed(survey_id, decide, "ActivateHead", request_id)

    def activate_calibration(self, survey_id: str, digest: str, request_id: str) -> pb.Survey:
        """Score CALIBRATED by a calibration in the store from now on; "" for none. Raises NotFoundError."""

        def decide(state: SurveyState) -> Change:
            changed = _copy(state.survey)
            changed.calibration_digest = digest
            return self._own_fields(state, changed)

        return self._changed(survey_id, decide, "ActivateCalibration", request_id)

    def answered_fit(self, survey_id: str, request_id: str) -> FitCalibrationResponse | None:
        """The answer to an earlier call of a request to fit a calibration; None if there was none."""
        first = self.folded(survey_id).journal.answered(FIT, request_id) if request_id else None
        return None if first is None else FitCalibrationResponse.FromString(first)

    def take_fit(
        self, survey_id: str, fit: FitCalibrationResponse, request_id: str
    ) -> FitCalibrationResponse:
        """Use the calibration that was fitted, if any, and keep the answer; returns it with the survey."""

        def decide(state: SurveyState) -> Change:
            changed = _copy(state.survey)
            changed.calibration_digest = fit.score_spec.calibration_digest
            change = self._own_fields(state, changed) if fit.kind else Change(b"", b"")
            after = pb.Survey.FromString(change.answer) if change.answer else state.described()
            fit.survey.CopyFrom(after)
            return replace(change, answer=fit.SerializeToString())

        reply = self.folded(survey_id).change(decide, scope=FIT, request_id=request_id)
        return FitCalibrationResponse.FromString(reply.value)

    def upsert_cameras(self, survey_id: str, cameras: Sequence[Camera], request_id: str) -> pb.Survey:
        """Add or replace cameras.

        Raises PreconditionError if a detection lies outside a period then, CoordinatesError.
        """
        upserted = store_pb2.CamerasUpserted(cameras=[messages.camera_message(c) for c in cameras])
        event = self.entry(store_pb2.SurveyEvent(cameras=upserted))
        replaced = {c.camera_id: c for c in cameras}

        def decide(state: SurveyState) -> Change:
            given = state.given_cameras | replaced
            check_places(given)
            _check_detections(state, Period.of(state.survey), given)
            after = state.described()
            after.coordinate_system = place(given)[1]
            after.camera_count = len(state.cameras | replaced)
            after.revision += 1
            return Change(event, after.SerializeToString())

        return self._changed(survey_id, decide, "UpsertCameras", request_id)

    def delete(self, survey_id: str, request_id: str) -> None:
        """Delete a survey with everything in it. A repeat does nothing. Raises NotFoundError."""
        self._existence.delete_survey(survey_id, request_id)
        self._folded.drop(survey_id)

    def folded(self, survey_id: str) -> Folded[SurveyState]:
        """The state of a survey, rebuilt from its journal."""
        # an id without a survey is dropped as soon as that is known, so it takes no memory
        folded = self._folded.get(
            survey_id, lambda: folded_survey(self._store, survey_id, gone=self._folded.drop)
        )
        count, size = self._folded.state()
        metrics.SURVEYS_IN_MEMORY.set(count)
        metrics.SURVEYS_BYTES.set(size)
        return folded

    def entry(self, event: store_pb2.SurveyEvent) -> bytes:
        """A journal entry of an event that happens now."""
        event.create_time.CopyFrom(self._now())
        return event.SerializeToString()

    def _own_fields(self, state: SurveyState, changed: pb.Survey) -> Change:
        after = described(
            changed,
            uid=state.uid,
            cameras=len(state.cameras),
            detections=len(state.detections),
            revision=state.revision + 1,
            coordinate_system=state.coordinate_system,
            local=state.local,
        )
        return Change(self.entry(store_pb2.SurveyEvent(survey=changed)), after.SerializeToString())

    def _changed(
        self, survey_id: str, decide: Callable[[SurveyState], Change], scope: str, request_id: str
    ) -> pb.Survey:
        reply = self.folded(survey_id).change(decide, scope=scope, request_id=request_id)
        return pb.Survey.FromString(reply.value)


def _log_eviction(survey_id: str, size: int) -> None:
    logger.info("survey %s evicted from memory: %.0f MB", survey_id, size / 1e6)
    metrics.SURVEYS_EVICTED.inc()


def _check_detections(state: SurveyState, period: Period, cameras: Mapping[str, Camera]) -> None:
    """Raise PreconditionError if a detection lies outside a survey's period or that of its camera."""
    for detection in state.detections.values():
        fault = outside_period(detection, cameras.get(detection.camera_id), period)
        if fault:
            raise PreconditionError(f"{fault}; correct the detection first, or widen the period")


def _copy(survey: pb.Survey) -> pb.Survey:
    copy = pb.Survey()
    copy.CopyFrom(survey)
    return copy
