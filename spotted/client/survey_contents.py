"""The cameras and detections of one survey."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from spotted import messages
from spotted.arrays import Float32Array
from spotted.client.connection import LONG_TIMEOUT_S, Endpoint, request_id
from spotted.client.survey_messages import (
    added_detections,
    deleted_detections,
    detection_page,
    field_paths,
    spec_message,
    survey_info,
    updated_detections,
)
from spotted.client.values.surveys import (
    AddedDetections,
    DeletedCameras,
    DeletedDetections,
    DetectionChange,
    DetectionPage,
    EmbeddingSpec,
    SurveyInfo,
    UpdatedDetections,
)
from spotted.survey import Camera, Detection
from spotted.v1 import corrections_pb2, scorer_pb2
from spotted.v1.scorer_pb2_grpc import ScorerServiceStub

# 1,000 vectors of 2,152 elements would pass gRPC's 4 MiB; 100 in float32 stay under 1 MiB
BLOCK_DETECTIONS = 100
# corrections of one call without vectors
BLOCK_CORRECTIONS = 1000


class SurveyContents:
    """The part of `SurveyHandle` that reads and changes cameras and detections."""

    survey_id: str
    _scorer: Endpoint[ScorerServiceStub]

    def upsert_cameras(self, cameras: Iterable[Camera]) -> SurveyInfo:
        """Add cameras, or replace those of equal id; scores may change. Raises NotFoundError."""
        request = scorer_pb2.UpsertCamerasRequest(
            survey_id=self.survey_id,
            cameras=[messages.camera_message(camera) for camera in cameras],
            request_id=request_id(),
        )
        return survey_info(self._scorer.call(self._scorer.stub.UpsertCameras, request).survey)

    def delete_cameras(self, camera_ids: Sequence[str]) -> DeletedCameras:
        """Delete cameras; ids that the survey does not have are counted. At most 10,000 a call.

        Raises PreconditionError if a detection names one of them.
        """
        request = corrections_pb2.DeleteCamerasRequest(
            survey_id=self.survey_id, camera_ids=camera_ids, request_id=request_id()
        )
        response = self._scorer.call(self._scorer.stub.DeleteCameras, request)
        return DeletedCameras(response.deleted, response.missing, survey_info(response.survey))

    def cameras(self) -> Iterator[Camera]:
        """The cameras, ordered by id."""
        request = scorer_pb2.ListCamerasRequest(survey_id=self.survey_id)
        for page in self._scorer.pages(self._scorer.stub.ListCameras, request):
            yield from (messages.camera(camera) for camera in page.cameras)

    def add_detections(
        self,
        detections: Sequence[Detection],
        embeddings: npt.NDArray[np.floating],
        spec: EmbeddingSpec,
    ) -> AddedDetections:
        """Store detections with their base embeddings (n, D); the result lists those that were rejected.

        Adding a detection again changes nothing. Raises NotFoundError, DigestMismatchError for vectors of
        another spec than the survey's.
        """
        blocks = (
            scorer_pb2.AddDetectionsRequest(
                survey_id=self.survey_id,
                spec=spec_message(spec),
                detections=[messages.detection_message(d) for d in detections[i : i + BLOCK_DETECTIONS]],
                embeddings=messages.tensor(embeddings[i : i + BLOCK_DETECTIONS]),
            )
            for i in range(0, len(detections), BLOCK_DETECTIONS)
        )
        return added_detections(
            self._scorer.call(self._scorer.stub.AddDetections, blocks, timeout_s=LONG_TIMEOUT_S)
        )

    def detections(self) -> Iterator[Detection]:
        """The detections, in the order they were added."""
        request = scorer_pb2.ListDetectionsRequest(survey_id=self.survey_id)
        for page in self._scorer.pages(self._scorer.stub.ListDetections, request):
            yield from (messages.detection(d) for d in page.detections)

    def detection_pages(self, *, base: bool = False) -> Iterator[DetectionPage]:
        """The detections with their vectors, page by page, for surveys larger than memory.

        base: base embeddings instead of the vectors that are scored.
        """
        request = scorer_pb2.ListDetectionsRequest(
            survey_id=self.survey_id, include_embeddings=True, base_embeddings=base
        )
        for page in self._scorer.pages(self._scorer.stub.ListDetections, request):
            yield detection_page(page)

    def detections_with_embeddings(self, *, base: bool = False) -> tuple[list[Detection], Float32Array]:
        """The detections and their vectors, (n, D) float32.

        base: base embeddings instead of the vectors that are scored.
        """
        pages = [page for page in self.detection_pages(base=base) if page.detections]
        detections = [detection for page in pages for detection in page.detections]
        blocks = [page.embeddings.astype(np.float32) for page in pages]
        return detections, np.concatenate(blocks) if blocks else np.empty((0, 0), np.float32)

    def update_detections(
        self,
        detections: Sequence[Detection],
        fields: Sequence[str] = (),
        *,
        embeddings: npt.NDArray[np.floating] | None = None,
        spec: EmbeddingSpec | None = None,
    ) -> UpdatedDetections:
        """Give stored detections the values that these have in the given fields; scores follow.

        fields: names of fields of `Detection`, e.g. `captured_at_s`; `image_id` needs embeddings.
        embeddings: new base embeddings (n, D), made as `spec` says, if images or boxes changed.
        The result lists the changed fields of each, and the corrections that were refused. Each 1,000
        corrections, or 100 with embeddings, are one change of the survey. Raises NotFoundError,
        DigestMismatchError for vectors of another spec than the survey's, InvalidInputError for an unknown
        field or no detection.
        """
        size = BLOCK_CORRECTIONS if embeddings is None else BLOCK_DETECTIONS
        responses = []
        for i in range(0, max(len(detections), 1), size):
            request = corrections_pb2.UpdateDetectionsRequest(
                survey_id=self.survey_id,
                detections=[messages.detection_message(d) for d in detections[i : i + size]],
                embeddings=None if embeddings is None else messages.tensor(embeddings[i : i + size]),
                spec=None if spec is None else spec_message(spec),
                request_id=request_id(),
            )
            request.update_mask.paths.extend(field_paths(fields))
            responses.append(self._scorer.call(self._scorer.stub.UpdateDetections, request))
        return updated_detections(responses)

    def detection_changes(self, since_revision: int = 0) -> Iterator[DetectionChange]:
        """The detections that were deleted, added again or corrected after a revision, the last change first.

        Raises InvalidInputError if the survey changes while its pages are read.
        """
        request = corrections_pb2.ListDetectionChangesRequest(
            survey_id=self.survey_id, since_revision=since_revision
        )
        for page in self._scorer.pages(self._scorer.stub.ListDetectionChanges, request):
            yield from (DetectionChange(c.detection_id, c.stored, c.version) for c in page.changes)

    def delete_detections(self, detection_ids: Sequence[str]) -> DeletedDetections:
        """Delete detections; ids that the survey does not have are counted. At most 10,000 a call."""
        request = scorer_pb2.DeleteDetectionsRequest(
            survey_id=self.survey_id, detection_ids=detection_ids, request_id=request_id()
        )
        return deleted_detections(self._scorer.call(self._scorer.stub.DeleteDetections, request))
