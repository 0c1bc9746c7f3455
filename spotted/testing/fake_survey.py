"""A survey of a fake scorer, in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from spotted import messages
from spotted.arrays import FloatArray, IntArray
from spotted.errors import NotFoundError
from spotted.ranking.gallery import Gallery
from spotted.scoring.feasibility import describe_journey, softened_journey
from spotted.survey import Camera, Detection, Survey, shared_station
from spotted.v1 import survey_pb2


@dataclass
class StoredSurvey:
    """A survey in memory."""

    message: survey_pb2.Survey
    cameras: dict[str, Camera] = field(default_factory=dict)
    detections: dict[str, Detection] = field(default_factory=dict)
    vectors: dict[str, FloatArray] = field(default_factory=dict)
    local_features: dict[str, bytes] = field(default_factory=dict)

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
        return Gallery.of(
            Survey(self.message.survey_id, start_s, end_s, cameras=self.cameras),
            list(self.detections.values()),
            np.stack(list(self.vectors.values())),
            messages.feasibility(self.message.feasibility),
        )

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
        pairs = zip(first.tolist(), second.tolist(), distance.tolist(), gap.tolist(), strict=True)
        for one, other, metres, seconds in pairs:
            cameras = detections[one].camera_id, detections[other].camera_id
            station = shared_station(self.cameras, *cameras)
            yield metres, seconds, describe_journey(metres, seconds, cameras, gallery.params, station)
