"""In-memory state of a survey, rebuilt from its journal, and immutable snapshots of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass

import numpy as np
from google.protobuf.timestamp_pb2 import Timestamp

from services.common.store import keys
from services.common.store.folded import Folded
from services.common.store.journal import Journal
from services.common.store.store import Store
from services.common.survey.existence import missing_detection, missing_survey
from services.common.survey.history import DetectionHistory
from services.common.survey.local_parts import LocalFeatureKeys, LocalView
from services.common.survey.places import place
from services.common.survey.rows import DetectionRows, HalfArray
from spotted import messages
from spotted.errors import NotFoundError
from spotted.ranking.gallery import Gallery
from spotted.scoring.feasibility import FeasibilityParams
from spotted.scoring.fusion import Fusion
from spotted.survey import Camera, Detection, Extent, Survey
from spotted.v1 import corrections_pb2, store_pb2
from spotted.v1 import survey_pb2 as pb

# memory per detection: its ids, times and numbers as Python objects
DETECTION_BYTES = 1500


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A survey at one revision; it never changes."""

    survey: pb.Survey
    """The contract's message, output-only fields included."""
    cameras: Mapping[str, Camera]
    detections: tuple[Detection, ...]
    # shared with later snapshots, so it may have rows that this one lacks
    _row_of: Mapping[str, int]
    base: HalfArray
    """(n, D) float16 unit rows."""
    gallery: Gallery
    """The detections as scored without a head."""
    generation: int
    """Snapshots of one generation have the same rows and vectors; later ones have more of them."""
    versions: Mapping[str, int]
    """Version of each detection that does not have its first image and vector."""
    local: LocalView
    """Its local features and scores."""

    def row(self, detection_id: str) -> int:
        """The row of a detection. Raises NotFoundError that names it."""
        row = self.find(detection_id)
        if row is None:
            raise missing_detection(self.survey.survey_id, detection_id)
        return row

    def find(self, detection_id: str) -> int | None:
        """The row of a detection; None if the survey does not have it."""
        row = self._row_of.get(detection_id)
        return None if row is None or row >= len(self.detections) else row

    @property
    def organisation(self) -> str:
        """The organisation of the survey; "" with tokens off."""
        return keys.owner(self.survey.survey_id)

    def score_spec(self, fusion: Fusion = Fusion.PRODUCT) -> pb.ScoreSpec:
        """The specification of this survey's scores."""
        return pb.ScoreSpec(
            embedding=self.survey.embedding,
            head_digest=self.survey.head_digest,
            feasibility_digest=feasibility_digest(self.gallery.params, self.gallery.extent),
            fusion=pb.Fusion.ValueType(fusion),
        )


class SurveyState:
    """State of a survey after the events of its journal; `revision` is their number.

    given_cameras: as they were sent; cameras: with positions on one plane, the coordinate system.
    """

    def __init__(self) -> None:
        self.survey = pb.Survey()
        self.cameras: dict[str, Camera] = {}
        self.given_cameras: dict[str, Camera] = {}
        self.coordinate_system = ""
        # digests of the vectors
        self.digests: dict[str, bytes] = {}
        self.revision = 0
        self.uid = ""
        self.updated = Timestamp()
        """When the last event was stored."""
        self.history = DetectionHistory()
        self.local = LocalFeatureKeys()
        self._rows = DetectionRows()
        self._snapshot: Snapshot | None = None

    @property
    def detections(self) -> Mapping[str, Detection]:
        """The detections by id, in the order in which they were added."""
        return self._rows.by_id

    @property
    def size_bytes(self) -> int:
        """Approximate memory of the survey, including a float32 copy of its vectors for scoring."""
        return 3 * self._rows.vectors_bytes + DETECTION_BYTES * len(self._rows)

    def apply(self, event: bytes) -> None:
        """Apply one SurveyEvent."""
        self.uid = self.uid or uid_of(event)
        self._apply(store_pb2.SurveyEvent.FromString(event))

    def _apply(self, event: store_pb2.SurveyEvent) -> None:
        match event.WhichOneof("event"):
            case "survey":
                self.survey = event.survey
            case "cameras":
                # snapshots keep the cameras they were made with
                fresh = {c.camera_id: messages.camera(c) for c in event.cameras.cameras}
                self.given_cameras = self.given_cameras | fresh
                self.cameras, self.coordinate_system = place(self.given_cameras)
                self._rows.move()
            case "cameras_deleted":
                gone = frozenset(event.cameras_deleted.camera_ids)
                self.given_cameras = {i: c for i, c in self.given_cameras.items() if i not in gone}
                # the plane depends on all cameras with latitude and longitude
                self.cameras, self.coordinate_system = place(self.given_cameras)
                self._rows.move()
            case "detections":
                if event.detections.HasField("spec"):
                    self._fix_spec(event.detections.spec)
                self._add(event.detections)
            case "deleted":
                self._remove(event.deleted.detection_ids)
            case "updated":
                self._update(event.updated)
            case "local_features":
                self.local.add(event.local_features)
            case "local_scores":
                self.local.add_scores(event.local_scores)
        self.revision += 1
        self.updated = event.create_time
        self._snapshot = None

    def snapshot(self) -> Snapshot:
        """The current survey; the same object until the next event."""
        if self._snapshot is None:
            self._snapshot = self._freeze()
        return self._snapshot

    def described(self) -> pb.Survey:
        """The survey with its output-only fields."""
        return described(
            self.survey,
            uid=self.uid,
            cameras=len(self.cameras),
            detections=len(self.detections),
            revision=self.revision,
            coordinate_system=self.coordinate_system,
            local=self.local,
        )

    def _fix_spec(self, spec: pb.EmbeddingSpec) -> None:
        # a copy: the message may belong to a view taken earlier
        survey = pb.Survey()
        survey.CopyFrom(self.survey)
        survey.embedding.CopyFrom(spec)
        self.survey = survey

    def _add(self, block: store_pb2.DetectionsAdded) -> None:
        vectors = messages.array(block.embeddings).astype(np.float16)
        for message, vector in zip(block.detections, vectors, strict=True):
            digest = self.digests[message.detection_id] = vector_digest(vector)
            self.history.add(message.detection_id, (message.image_id, digest), self.revision + 1)
        self._rows.append([messages.detection(message) for message in block.detections], vectors)

    def _remove(self, detection_ids: Iterable[str]) -> None:
        for detection_id in detection_ids:
            digest = self.digests.pop(detection_id, None)
            if digest is not None:
                image = self.detections[detection_id].image_id, digest
                self.history.remove(detection_id, image, self.revision + 1)
        self.local.forget(detection_ids)
        self._rows.remove(list(detection_ids))

    def _update(self, updated: corrections_pb2.DetectionsUpdated) -> None:
        vectors: HalfArray | None = None
        if updated.HasField("embeddings"):
            vectors = messages.array(updated.embeddings).astype(np.float16)
        for row, message in enumerate(updated.detections):
            detection_id = message.detection_id
            stored = self.detections[detection_id]
            before = stored.image_id, self.digests[detection_id]
            # those without a new vector come last
            if vectors is not None and row < len(vectors):
                self.digests[detection_id] = vector_digest(vectors[row])
            after = message.image_id, self.digests[detection_id]
            self.history.correct(detection_id, before, after, self.revision + 1)
            if before != after or stored.box != messages.detection(message).box:
                self.local.forget([detection_id])
        self._rows.update([messages.detection(message) for message in updated.detections], vectors)

    def _freeze(self) -> Snapshot:
        rows = self._rows
        start_s, end_s = messages.seconds(self.survey.start_time), messages.seconds(self.survey.end_time)
        base = rows.vectors(self.survey.embedding.dimension)
        gallery = Gallery(
            base,
            rows.table(self.cameras),
            rows.order(),
            Survey(self.survey.survey_id, start_s, end_s, cameras=self.cameras).extent(),
            messages.feasibility(self.survey.feasibility),
        )
        detections = tuple(rows.by_id.values())
        return Snapshot(
            self.described(),
            self.cameras,
            detections,
            rows.row_of,
            base,
            gallery,
            rows.generation,
            self.history.versions(),
            self.local.view(),
        )


def described(
    survey: pb.Survey,
    *,
    uid: str,
    cameras: int,
    detections: int,
    revision: int,
    coordinate_system: str = "",
    local: LocalFeatureKeys | None = None,
) -> pb.Survey:
    """A survey's own fields with the output-only ones: uid, counts, revision, etag, coordinate system."""
    whole = pb.Survey()
    whole.CopyFrom(survey)
    whole.camera_count, whole.detection_count = cameras, detections
    whole.uid, whole.revision, whole.etag = uid, revision, etag(survey)
    whole.coordinate_system = coordinate_system
    if local is not None:
        local.describe(whole)
    return whole


def uid_of(first: bytes) -> str:
    """Distinguishes the survey with this first entry from others with its id; an entry has its time."""
    return hashlib.sha256(first).hexdigest()[:32]


def etag(survey: pb.Survey) -> str:
    """A tag of a survey's own fields."""
    return hashlib.sha256(survey.SerializeToString(deterministic=True)).hexdigest()[:16]


def feasibility_digest(params: FeasibilityParams, extent: Extent) -> str:
    """A digest of all that the feasibility of a journey depends on."""
    described = {"params": asdict(params), "extent": asdict(extent)}
    text = json.dumps(described, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def vector_digest(vector: HalfArray) -> bytes:
    """A digest of a stored vector."""
    return hashlib.sha256(vector.tobytes()).digest()


def folded_survey(
    store: Store, survey_id: str, *, gone: Callable[[str], object] = lambda _: None
) -> Folded[SurveyState]:
    """A survey kept up to date with the store. gone: called with the id if the survey does not exist."""

    def missing() -> NotFoundError:
        gone(survey_id)
        return missing_survey(survey_id)

    return Folded(Journal(store, survey_id), SurveyState, missing)
