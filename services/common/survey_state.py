"""A survey as the fold of its journal, and immutable snapshots of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from services.common import keys
from services.common.journal import Folded, Journal
from services.common.store import Store
from spotted import messages
from spotted.errors import NotFoundError
from spotted.fusion import Fusion
from spotted.ranking import Gallery
from spotted.survey import Camera, Detection, Survey, detection_table, id_order
from spotted.v1 import store_pb2
from spotted.v1 import survey_pb2 as pb

HalfArray = npt.NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A survey at one revision; nothing in it ever changes.

    survey: the contract's message, output-only fields included. base: (n, D) float16 unit rows.
    row_of: detection id -> row. gallery: the detections as scored without a head.
    """

    survey: pb.Survey
    cameras: Mapping[str, Camera]
    detections: tuple[Detection, ...]
    row_of: Mapping[str, int]
    base: HalfArray
    gallery: Gallery

    def row(self, detection_id: str) -> int:
        """The row of a detection. Raises NotFoundError that names it."""
        row = self.row_of.get(detection_id)
        if row is None:
            raise NotFoundError(
                f"detection {detection_id!r} is not in survey {self.survey.survey_id!r}; add it first"
            )
        return row

    def score_spec(self, fusion: Fusion = Fusion.PRODUCT) -> pb.ScoreSpec:
        """What this survey's scores are made from."""
        described = {"params": asdict(self.gallery.params), "extent": asdict(self.gallery.extent)}
        text = json.dumps(described, sort_keys=True, separators=(",", ":"))
        return pb.ScoreSpec(
            embedding=self.survey.embedding,
            head_digest=self.survey.head_digest,
            feasibility_digest=hashlib.sha256(text.encode()).hexdigest(),
            fusion=pb.Fusion.ValueType(fusion),
        )


class SurveyState:
    """What a survey's journal folds into; `revision` counts the events taken in."""

    def __init__(self) -> None:
        self.survey = pb.Survey()
        self.cameras: dict[str, Camera] = {}
        self.detections: dict[str, Detection] = {}
        self.digests: dict[str, bytes] = {}
        self.revision = 0
        self._vectors: dict[str, npt.NDArray[np.float16]] = {}
        self._snapshot: Snapshot | None = None

    def apply(self, entry: bytes) -> None:
        """Take in one SurveyEvent."""
        event = store_pb2.SurveyEvent.FromString(entry)
        match event.WhichOneof("event"):
            case "survey":
                self.survey = event.survey
            case "cameras":
                self.cameras |= {c.camera_id: messages.camera(c) for c in event.cameras.cameras}
            case "detections":
                self._add(event.detections)
            case "deleted":
                for detection_id in event.deleted.detection_ids:
                    for columns in (self.detections, self.digests, self._vectors):
                        columns.pop(detection_id, None)
        self.revision += 1
        self._snapshot = None

    def snapshot(self, revision: int) -> Snapshot:
        """The survey as it stands; the same object until the next event."""
        if self._snapshot is None:
            self._snapshot = self._freeze(revision)
        return self._snapshot

    def described(self) -> pb.Survey:
        """The survey with its output-only fields."""
        return described(
            self.survey, cameras=len(self.cameras), detections=len(self.detections), revision=self.revision
        )

    def _add(self, block: store_pb2.DetectionsAdded) -> None:
        vectors = messages.array(block.embeddings).astype(np.float16)
        for message, vector in zip(block.detections, vectors, strict=True):
            self.detections[message.detection_id] = messages.detection(message)
            self.digests[message.detection_id] = content_digest(message, vector)
            self._vectors[message.detection_id] = vector

    def _freeze(self, revision: int) -> Snapshot:
        detections = tuple(self.detections.values())
        ids = list(self.detections)
        dimension = self.survey.embedding.dimension
        base = np.empty((len(ids), dimension), np.float16)
        for row, vector in enumerate(self._vectors.values()):
            base[row] = vector
        start_s, end_s = messages.seconds(self.survey.start_time), messages.seconds(self.survey.end_time)
        cameras = dict(self.cameras)
        extent = Survey(self.survey.survey_id, start_s, end_s, cameras=cameras).extent()
        gallery = Gallery(
            base,
            detection_table(detections, cameras),
            id_order(ids),
            extent,
            messages.feasibility(self.survey.feasibility),
        )
        rows = {detection_id: row for row, detection_id in enumerate(ids)}
        survey = described(self.survey, cameras=len(cameras), detections=len(ids), revision=revision)
        return Snapshot(survey, cameras, detections, rows, base, gallery)


def described(survey: pb.Survey, *, cameras: int, detections: int, revision: int) -> pb.Survey:
    """A survey's own fields with the output-only ones: its counts, revision and etag."""
    whole = pb.Survey()
    whole.CopyFrom(survey)
    whole.camera_count, whole.detection_count = cameras, detections
    whole.revision, whole.etag = revision, etag(survey)
    return whole


def etag(survey: pb.Survey) -> str:
    """A tag of a survey's own fields."""
    return hashlib.sha256(survey.SerializeToString(deterministic=True)).hexdigest()[:16]


def content_digest(detection: pb.Detection, vector: npt.NDArray[np.float16]) -> bytes:
    """What tells two contents of one detection id apart."""
    return hashlib.sha256(detection.SerializeToString(deterministic=True) + vector.tobytes()).digest()


def folded_survey(store: Store, survey_id: str) -> Folded[SurveyState]:
    """A survey kept in step with the store."""

    def missing() -> NotFoundError:
        return NotFoundError(
            f"survey {survey_id!r} does not exist; create it with CreateSurvey or `spotted import`"
        )

    return Folded(Journal(store, keys.survey_journal(survey_id), survey_id), SurveyState, missing)
