"""A survey of a fake scorer, in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from spotted import messages
from spotted.arrays import FloatArray, IntArray
from spotted.errors import InvalidInputError, NotFoundError
from spotted.ranking.gallery import Gallery
from spotted.scoring import geometry
from spotted.scoring.feasibility import describe_journey, softened_journey
from spotted.scoring.fusion import Fusion
from spotted.survey import Camera, Detection, Survey, shared_station
from spotted.testing.fake_matching import FakeMarks
from spotted.v1 import local_features_pb2, survey_pb2


@dataclass
class StoredSurvey:
    """A survey in memory."""

    message: survey_pb2.Survey
    cameras: dict[str, Camera] = field(default_factory=dict)
    detections: dict[str, Detection] = field(default_factory=dict)
    vectors: dict[str, FloatArray] = field(default_factory=dict)
    local_features: dict[str, bytes] = field(default_factory=dict)
    marks: FakeMarks = field(default_factory=FakeMarks)

    def changed(self) -> survey_pb2.Survey:
        """The survey as stored, with its counts, after a change."""
        self.message.revision += 1
        self.message.camera_count = len(self.cameras)
        self.message.detection_count = len(self.detections)
        self.message.local_feature_count = len(self.local_features)
        return self.message

    def gallery(self) -> Gallery:
        """Its detections, ready to be scored."""
        start_s = messages.seconds(self.message.start_time)
        end_s = messages.seconds(self.message.end_time)
        gallery = Gallery.of(
            Survey(self.message.survey_id, start_s, end_s, cameras=self.cameras),
            list(self.detections.values()),
            np.stack(list(self.vectors.values())),
            messages.feasibility(self.message.feasibility),
        )
        return replace(gallery, local=self.marks.pairs(self.detections, self.local_features))

    def spec(self, requested: survey_pb2.Fusion.ValueType) -> survey_pb2.ScoreSpec:
        """The fusion that is used for a requested one, and why. Raises InvalidInputError for CALIBRATED."""
        fusion = Fusion(requested or Fusion.PRODUCT)
        embedding = self.message.embedding if self.message.HasField("embedding") else None
        if fusion is Fusion.CALIBRATED:
            raise InvalidInputError("this fake has no calibration; ask for another fusion", field="fusion")
        if fusion is Fusion.LOCAL and not self.marks.scores:
            return survey_pb2.ScoreSpec(
                embedding=embedding,
                fusion=survey_pb2.FUSION_PRODUCT,
                fallback="no local features of this survey were matched, the product is used",
            )
        return survey_pb2.ScoreSpec(embedding=embedding, fusion=survey_pb2.Fusion.ValueType(fusion))

    def local_of(self, first: str, second: str) -> tuple[float | None, int]:
        """Local score, None if unknown, and number of matched marks of a pair."""
        pair = frozenset((i, self.local_features.get(i, b"")) for i in (first, second))
        return self.marks.scores.get(pair, (None, 0))

    def points(self, first: str, second: str) -> list[local_features_pb2.MatchedPoint]:
        """The matched marks of a pair that both have features."""
        method = self.message.local_features.method
        return self.marks.points(method, self.detections, self.local_features, first, second)

    def rows(self, detection_ids: Iterable[str]) -> IntArray:
        """The rows of detections in the gallery. Raises NotFoundError."""
        index = {detection_id: row for row, detection_id in enumerate(self.detections)}
        try:
            return np.array([index[i] for i in detection_ids], dtype=np.int64)
        except KeyError as error:
            raise NotFoundError(f"detection {error.args[0]!r} does not exist; add it first") from None

    def reasons(self, first: IntArray, second: IntArray) -> Iterator[tuple[float, float, str]]:
        """Distance, gap and the feasibility as a phrase, of pairs of rows."""
        gallery, detections = self.gallery(), list(self.detections.values())
        distance, gap = softened_journey(gallery.table, first, second, gallery.params)
        doubted = geometry.gap_doubted(gallery.table, first, second, gallery.extent)
        columns = (first, second, distance, gap, doubted)
        for one, other, metres, seconds, wrong in zip(*(c.tolist() for c in columns), strict=True):
            cameras = detections[one].camera_id, detections[other].camera_id
            station = shared_station(self.cameras, *cameras)
            phrase = describe_journey(metres, seconds, cameras, gallery.params, station, doubted=wrong)
            yield metres, seconds, phrase
