"""Reads a session's survey from the scorer: the only calls between services."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from services.common.access.outgoing import Line
from services.common.settings import Security
from services.common.survey.filters import filter_rules, passing
from services.sampler.survey_values import (
    CandidateColumns,
    SurveyChanges,
    SurveyFacts,
    SurveyScores,
    Version,
)
from spotted import messages
from spotted.arrays import FloatArray
from spotted.client.calls import our_errors, streamed
from spotted.errors import ConcurrencyError, InvalidInputError
from spotted.survey import Camera, Detection
from spotted.v1 import corrections_pb2, scorer_pb2, survey_pb2
from spotted.v1.scorer_pb2 import CandidateFilter
from spotted.v1.scorer_pb2_grpc import ScorerServiceStub

CALL_TIMEOUT_S = 30.0
STREAM_TIMEOUT_S = 600.0
# attempts to read a survey that changes while it is read
ATTEMPTS = 5
# detections of a request that names them, some 70 bytes each
MOST_QUERIES = 20_000
# changes of detections in one answer
CHANGES = 10_000


@dataclass(slots=True)
class _Content:
    """The detections of a survey, page by page."""

    detections: dict[str, Detection] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    embeddings: FloatArray | None = None
    revision: int = 0
    """The highest of its pages."""


class ScorerClient:
    """The scorer over gRPC. Every method raises NotFoundError for the survey, or UnavailableError."""

    def __init__(self, address: str, security: Security | None = None) -> None:
        self._address = address
        self._line = Line(address, security)
        self._last_stub = (self._line.channel(), ScorerServiceStub(self._line.channel()))

    def version(self, survey_id: str) -> tuple[Version, int]:
        """The survey's version and number of detections."""
        survey = self._survey(survey_id)
        return Version(survey.uid, survey.revision), survey.detection_count

    def facts(self, survey_id: str) -> SurveyFacts:
        """The survey's current detections and cameras."""
        survey = self._survey(survey_id)
        content = self._detections(survey_id, with_embeddings=False)
        return SurveyFacts(
            Version(survey.uid, survey.revision),
            content.detections,
            self._cameras(survey_id),
            content.versions,
            (messages.seconds(survey.start_time), messages.seconds(survey.end_time)),
        )

    def changes(self, survey_id: str, since: Version) -> SurveyChanges:
        """The detections that changed since a version; none if that is of another survey."""
        for _ in range(ATTEMPTS):
            # the token of a page is refused if the survey has changed since the page before
            with suppress(InvalidInputError):
                return self._changes(survey_id, since)
        raise _restless(survey_id)

    def read(
        self, survey_id: str, top_k: int, *, with_embeddings: bool, only: CandidateFilter | None = None
    ) -> SurveyScores:
        """The current survey; all parts are of one version."""
        for _ in range(ATTEMPTS):
            version, _ = self.version(survey_id)
            content = self._detections(survey_id, with_embeddings=with_embeddings)
            cameras = self._cameras(survey_id)
            # row numbers are valid only for detections of the same revision
            same = content.revision == version.revision
            columns = None
            if same:
                request = _candidates_request(survey_id, top_k, only, content, cameras)
                columns = self._columns(request, version.revision)
            if columns is not None:
                read = (content.detections, cameras, columns, content.embeddings, content.versions)
                return SurveyScores(version, top_k, *read)
        raise _restless(survey_id)

    def close(self) -> None:
        """Close the channel."""
        self._line.close()

    @property
    def _stub(self) -> ScorerServiceStub:
        channel = self._line.channel()
        if channel is not self._last_stub[0]:
            self._last_stub = (channel, ScorerServiceStub(channel))
        return self._last_stub[1]

    def _survey(self, survey_id: str) -> survey_pb2.Survey:
        with our_errors(self._address):
            request = scorer_pb2.GetSurveyRequest(survey_id=survey_id)
            return self._stub.GetSurvey(request, timeout=CALL_TIMEOUT_S).survey

    def _detections(self, survey_id: str, *, with_embeddings: bool) -> _Content:
        request = scorer_pb2.ListDetectionsRequest(survey_id=survey_id, include_embeddings=with_embeddings)
        content = _Content()
        blocks: list[FloatArray] = []
        while True:
            with our_errors(self._address):
                page = self._stub.ListDetections(request, timeout=CALL_TIMEOUT_S)
            content.detections |= {d.detection_id: messages.detection(d) for d in page.detections}
            content.versions |= {change.detection_id: change.version for change in page.changed}
            content.revision = max(content.revision, page.revision)
            if with_embeddings and page.detections:
                blocks.append(messages.array(page.embeddings))
            if not page.next_page_token:
                content.embeddings = np.concatenate(blocks) if blocks else None
                return content
            request.page_token = page.next_page_token

    def _changes(self, survey_id: str, since: Version) -> SurveyChanges:
        request = corrections_pb2.ListDetectionChangesRequest(
            survey_id=survey_id, since_revision=since.revision, page_size=CHANGES
        )
        stored: dict[str, bool] = {}
        while True:
            with our_errors(self._address):
                page = self._stub.ListDetectionChanges(request, timeout=CALL_TIMEOUT_S)
            version = Version(page.uid, page.revision)
            if page.uid != since.uid:
                return SurveyChanges(version, {})
            stored |= {change.detection_id: change.stored for change in page.changes}
            if not page.next_page_token:
                return SurveyChanges(version, stored)
            request.page_token = page.next_page_token

    def _cameras(self, survey_id: str) -> dict[str, Camera]:
        request = scorer_pb2.ListCamerasRequest(survey_id=survey_id)
        cameras: dict[str, Camera] = {}
        while True:
            with our_errors(self._address):
                page = self._stub.ListCameras(request, timeout=CALL_TIMEOUT_S)
            cameras |= {c.camera_id: messages.camera(c) for c in page.cameras}
            if not page.next_page_token:
                return cameras
            request.page_token = page.next_page_token

    def _columns(
        self, request: scorer_pb2.GetCandidatesRequest | None, revision: int
    ) -> CandidateColumns | None:
        """The candidates of a request; None if the survey's revision is no longer this one."""
        blocks: list[scorer_pb2.CandidateColumns] = []
        marks = False
        if request is None:
            return CandidateColumns.joined(blocks)
        for answer in streamed(
            self._stub.GetCandidates, request, timeout_s=STREAM_TIMEOUT_S, address=self._address
        ):
            if answer.revision != revision:
                return None
            blocks.append(answer.columns)
            # without matched marks the scorer answers by the product
            marks = marks or answer.score_spec.fusion == survey_pb2.FUSION_LOCAL
        columns = CandidateColumns.joined(blocks)
        return columns.with_marks() if marks else columns


def _candidates_request(
    survey_id: str,
    top_k: int,
    only: CandidateFilter | None,
    content: _Content,
    cameras: Mapping[str, Camera],
) -> scorer_pb2.GetCandidatesRequest | None:
    """The request for the candidates; None if no detection passes the filter."""
    request = scorer_pb2.GetCandidatesRequest(
        survey_id=survey_id, top_k=top_k, fusion=survey_pb2.FUSION_LOCAL, as_columns=True
    )
    if only is None:
        return request
    passes = passing(filter_rules(only), list(content.detections.values())).tolist()
    ids = [i for i, passed in zip(content.detections, passes, strict=True) if passed]
    if not ids:
        return None
    request.filter.CopyFrom(only)
    # a camera may have been deleted since the session was created
    request.filter.camera_ids[:] = [camera_id for camera_id in only.camera_ids if camera_id in cameras]
    if len(ids) < len(content.detections) and len(ids) <= MOST_QUERIES:
        request.detection_ids.extend(ids)
    return request


def _restless(survey_id: str) -> ConcurrencyError:
    return ConcurrencyError(
        f"survey {survey_id!r} changed during each of {ATTEMPTS} attempts to read it; ask again when its "
        "import is done"
    )
