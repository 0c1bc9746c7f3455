"""The surveys of a store: created, changed, deleted, and seen as snapshots with their active head."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from google.protobuf.timestamp_pb2 import Timestamp

from services.common import keys
from services.common.heads import HeadStore
from services.common.journal import Change, Folded, Journal
from services.common.store import Store
from services.common.survey_state import Snapshot, SurveyState, etag, folded_survey
from spotted import messages
from spotted.errors import (
    AlreadyExistsError,
    ConcurrencyError,
    DigestMismatchError,
    InvalidInputError,
    NotFoundError,
    PreconditionError,
)
from spotted.ranking import Gallery
from spotted.similarity import unit_rows
from spotted.survey import Camera, Detection, Float32Array
from spotted.v1 import store_pb2
from spotted.v1 import survey_pb2 as pb

DELETE = "DeleteSurvey"


@dataclass(frozen=True, slots=True)
class Scored:
    """A snapshot and its gallery through the active head."""

    snapshot: Snapshot
    gallery: Gallery


class Surveys:
    """All surveys of a store, each folded once per process."""

    def __init__(self, store: Store, heads: HeadStore, *, now: Callable[[], Timestamp]) -> None:
        self._store = store
        self._heads = heads
        self._now = now
        self._folded: dict[str, Folded[SurveyState]] = {}
        self._scored: dict[str, Scored] = {}
        self._lock = threading.Lock()

    def create(self, survey: pb.Survey, request_id: str) -> Snapshot:
        """Create a survey. Raises AlreadyExistsError where the id is taken by other content."""
        journal = Journal(self._store, keys.survey_journal(survey.survey_id), survey.survey_id)
        self._store.add_member(keys.SURVEYS, survey.survey_id)
        entry = self._event(survey=survey)
        # on a repeat, or where it exists, nothing is appended and what is there is compared
        journal.append(Change(entry, b""), expected=0, scope="CreateSurvey", request_id=request_id)
        snapshot = self.snapshot(survey.survey_id)
        differing = _differing_fields(survey, snapshot.survey)
        if differing:
            raise AlreadyExistsError(
                f"survey {survey.survey_id!r} exists with another {differing[0]}; change it with "
                "UpdateSurvey, or choose another survey_id"
            )
        return snapshot

    def list_ids(self) -> list[str]:
        """The ids of all surveys, sorted."""
        return self._store.members(keys.SURVEYS)

    def snapshot(self, survey_id: str) -> Snapshot:
        """A survey as it stands in the store. Raises NotFoundError."""
        return self.folded(survey_id).view(lambda state, position: state.snapshot(position))

    def existing(self, survey_ids: Sequence[str]) -> list[Snapshot]:
        """The snapshots of those surveys that still exist."""
        found = []
        for survey_id in survey_ids:
            try:
                found.append(self.snapshot(survey_id))
            except NotFoundError:
                # deleted since the ids were listed
                continue
        return found

    def scored(self, survey_id: str) -> Scored:
        """A survey as it is scored: through its active head, where it has one."""
        snapshot = self.snapshot(survey_id)
        scored = self._scored.get(survey_id)
        if scored is None or scored.snapshot is not snapshot:
            scored = Scored(snapshot, self._through_head(snapshot))
            self._scored[survey_id] = scored
        return scored

    def adapted(self, scored: Scored, base: Float32Array) -> Float32Array:
        """One base unit vector (D,) as it is scored: through the active head, where there is one."""
        digest = scored.snapshot.survey.head_digest
        return self._heads.get(digest).apply(base[None])[0] if digest else base

    def update(self, survey: pb.Survey, paths: Sequence[str], request_id: str) -> Snapshot:
        """Change the named fields. Raises NotFoundError, ConcurrencyError where the etag is stale."""

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
            return Change(self._event(survey=changed), b"")

        self.folded(survey.survey_id).change(decide, scope="UpdateSurvey", request_id=request_id)
        return self.snapshot(survey.survey_id)

    def activate_head(self, survey_id: str, digest: str, request_id: str) -> Snapshot:
        """Score through a head from now on, "" for none. Raises NotFoundError, DigestMismatchError."""
        head = self._heads.get(digest) if digest else None

        def decide(state: SurveyState) -> Change:
            if head is not None and head.spec != state.survey.embedding:
                raise DigestMismatchError(
                    f"head {digest[:12]} was trained on other vectors than survey {survey_id!r} holds; "
                    "train one on this survey"
                )
            changed = _copy(state.survey)
            changed.head_digest = digest
            return Change(self._event(survey=changed), b"")

        self.folded(survey_id).change(decide, scope="ActivateHead", request_id=request_id)
        return self.snapshot(survey_id)

    def upsert_cameras(self, survey_id: str, cameras: Sequence[Camera], request_id: str) -> Snapshot:
        """Add or replace cameras. Raises PreconditionError where a detection lies outside a new period."""
        event = self._event(
            cameras=store_pb2.CamerasUpserted(cameras=[messages.camera_message(c) for c in cameras])
        )
        replaced = {c.camera_id: c for c in cameras}

        def decide(state: SurveyState) -> Change:
            for detection in state.detections.values():
                fault = outside_period(detection, replaced.get(detection.camera_id))
                if fault:
                    raise PreconditionError(f"{fault}; delete the detection first, or widen the period")
            return Change(event, b"")

        self.folded(survey_id).change(decide, scope="UpsertCameras", request_id=request_id)
        return self.snapshot(survey_id)

    def delete(self, survey_id: str, request_id: str) -> None:
        """Delete a survey with all it holds. Raises NotFoundError; a repeat answers as the first time."""
        request = keys.request(survey_id, DELETE, request_id)
        if request_id and self._store.get(request) is not None:
            return
        self.snapshot(survey_id)
        # without its journal the survey is gone for everyone, whatever happens after
        self._store.delete(keys.survey_journal(survey_id))
        self._store.delete_prefix(keys.of_survey(survey_id))
        self._store.remove_member(keys.SURVEYS, survey_id)
        if request_id:
            self._store.put(request, b"", ttl_s=keys.REQUEST_TTL_S)

    def folded(self, survey_id: str) -> Folded[SurveyState]:
        """The fold of a survey's journal."""
        with self._lock:
            if survey_id not in self._folded:
                self._folded[survey_id] = folded_survey(self._store, survey_id)
            return self._folded[survey_id]

    def event(self, added: store_pb2.DetectionsAdded) -> bytes:
        """A journal entry of new detections."""
        return self._event(detections=added)

    def deletion(self, detection_ids: Sequence[str]) -> bytes:
        """A journal entry of removed detections."""
        return self._event(deleted=store_pb2.DetectionsDeleted(detection_ids=detection_ids))

    def specified(self, survey: pb.Survey, spec: pb.EmbeddingSpec) -> bytes:
        """A journal entry that fixes how a survey's vectors are made."""
        changed = _copy(survey)
        changed.embedding.CopyFrom(spec)
        return self._event(survey=changed)

    def _event(
        self,
        *,
        survey: pb.Survey | None = None,
        cameras: store_pb2.CamerasUpserted | None = None,
        detections: store_pb2.DetectionsAdded | None = None,
        deleted: store_pb2.DetectionsDeleted | None = None,
    ) -> bytes:
        event = store_pb2.SurveyEvent(
            create_time=self._now(), survey=survey, cameras=cameras, detections=detections, deleted=deleted
        )
        return event.SerializeToString()

    def _through_head(self, snapshot: Snapshot) -> Gallery:
        if not snapshot.survey.head_digest or not snapshot.detections:
            return snapshot.gallery
        head = self._heads.get(snapshot.survey.head_digest)
        adapted = head.apply(unit_rows(snapshot.base))
        return replace(snapshot.gallery, embeddings=adapted)


def check_fields(survey: pb.Survey) -> None:
    """Raise InvalidInputError where a survey does not end after it starts, or its knobs cannot be."""
    if messages.seconds(survey.end_time) <= messages.seconds(survey.start_time):
        raise InvalidInputError(
            f"survey {survey.survey_id!r} does not end after it starts; correct start_time or end_time",
            field="survey.end_time",
        )
    # the library's class checks its own values
    messages.feasibility(survey.feasibility)


def outside_period(detection: Detection, camera: Camera | None) -> str:
    """In words, how a detection lies outside its camera's period; "" where it does not."""
    if camera is None or detection.captured_at_s is None:
        return ""
    captured = f"detection {detection.detection_id!r} was captured {_utc(detection.captured_at_s)}"
    if camera.start_s is not None and detection.captured_at_s < camera.start_s:
        return f"{captured}, before camera {camera.camera_id!r} began at {_utc(camera.start_s)}"
    if camera.end_s is not None and detection.captured_at_s > camera.end_s:
        return f"{captured}, after camera {camera.camera_id!r} ended at {_utc(camera.end_s)}"
    return ""


def _utc(seconds: float) -> str:
    message = messages.timestamp(seconds)
    return message.ToJsonString() if message else "never"


def _copy(survey: pb.Survey) -> pb.Survey:
    copy = pb.Survey()
    copy.CopyFrom(survey)
    return copy


def _differing_fields(asked: pb.Survey, stored: pb.Survey) -> list[str]:
    """The fields of a creation that differ from what is stored; what was left out may be anything."""
    fields = ["display_name", "start_time", "end_time", "feasibility"]
    if asked.HasField("embedding"):
        fields.append("embedding")
    return [field for field in fields if getattr(asked, field) != getattr(stored, field)]
