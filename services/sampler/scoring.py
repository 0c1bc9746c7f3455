"""What a session needs to know of its survey, asked of the scorer: the only call between services."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from spotted import messages
from spotted.client.calls import open_channel, our_errors, streamed
from spotted.errors import ConcurrencyError
from spotted.sampling.candidates import CandidateGraph, from_candidates
from spotted.survey import Camera, Detection, Float32Array
from spotted.v1 import scorer_pb2
from spotted.v1.scorer_pb2_grpc import ScorerServiceStub

CALL_TIMEOUT_S = 30.0
STREAM_TIMEOUT_S = 600.0
# a survey that grows while it is read is read again
ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class CandidateColumns:
    """Candidate lists of all detections, laid end to end: rows of the survey and their scores."""

    query: list[int]
    candidate: list[int]
    visual: list[float]
    feasibility: list[float]
    fused: list[float]


@dataclass(frozen=True, slots=True)
class SurveyScores:
    """A survey at one revision, as far as a session needs it.

    detections: in the survey's order. columns: the top_k candidates of each.
    embeddings: (n, D) float32, None where they were not asked for.
    """

    revision: int
    top_k: int
    detections: dict[str, Detection]
    cameras: dict[str, Camera]
    columns: CandidateColumns
    embeddings: Float32Array | None

    @property
    def complete(self) -> bool:
        """Whether a larger top_k would bring no further pair."""
        return self.top_k >= len(self.detections) - 1

    def graph(self, item_of: dict[str, int]) -> CandidateGraph:
        """The candidate graph over the items of a session; every detection must be one."""
        items = np.array([item_of[i] for i in self.detections], dtype=np.int64)
        embeddings = None
        if self.embeddings is not None:
            # a detection that was deleted since stays an item, without pairs and without a vector
            embeddings = np.zeros((len(item_of), self.embeddings.shape[1]), np.float32)
            embeddings[items] = self.embeddings
        return from_candidates(
            len(item_of),
            items[np.array(self.columns.query, dtype=np.int64)],
            items[np.array(self.columns.candidate, dtype=np.int64)],
            visual=np.array(self.columns.visual, np.float32),
            feasibility=np.array(self.columns.feasibility, np.float32),
            fused=np.array(self.columns.fused, np.float32),
            embeddings=embeddings,
        )


class Scorer(Protocol):
    """Where a session's scores come from."""

    def revision(self, survey_id: str) -> tuple[int, int]:
        """The survey's revision and number of detections. Raises NotFoundError."""

    def read(self, survey_id: str, top_k: int, *, with_embeddings: bool) -> SurveyScores:
        """The survey as it stands, with the top_k candidates of every detection."""


class ScorerClient:
    """The scorer over gRPC. Every method raises NotFoundError for the survey, or UnavailableError."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._channel = open_channel(address)
        self._stub = ScorerServiceStub(self._channel)

    def revision(self, survey_id: str) -> tuple[int, int]:
        """The survey's revision and number of detections."""
        with our_errors(self._address):
            answer = self._stub.GetSurvey(
                scorer_pb2.GetSurveyRequest(survey_id=survey_id), timeout=CALL_TIMEOUT_S
            )
        return answer.survey.revision, answer.survey.detection_count

    def read(self, survey_id: str, top_k: int, *, with_embeddings: bool) -> SurveyScores:
        """The survey as it stands; all parts are of one revision."""
        for _ in range(ATTEMPTS):
            revision, count = self.revision(survey_id)
            detections, embeddings, seen = self._detections(survey_id, with_embeddings=with_embeddings)
            cameras = self._cameras(survey_id)
            columns, ranked = self._columns(survey_id, list(detections), top_k)
            if {seen, ranked} <= {revision} or (not count and not detections):
                return SurveyScores(revision, top_k, detections, cameras, columns, embeddings)
        raise ConcurrencyError(f"survey {survey_id!r} keeps changing; ask again when the import is done")

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()

    def _detections(
        self, survey_id: str, *, with_embeddings: bool
    ) -> tuple[dict[str, Detection], Float32Array | None, int]:
        request = scorer_pb2.ListDetectionsRequest(survey_id=survey_id, include_embeddings=with_embeddings)
        detections: dict[str, Detection] = {}
        blocks: list[Float32Array] = []
        revisions = set()
        while True:
            with our_errors(self._address):
                page = self._stub.ListDetections(request, timeout=CALL_TIMEOUT_S)
            detections |= {d.detection_id: messages.detection(d) for d in page.detections}
            revisions.add(page.revision)
            if with_embeddings and page.detections:
                blocks.append(messages.vector(page.embeddings))
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
        return detections, np.concatenate(blocks) if blocks else None, max(revisions)

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

    def _columns(self, survey_id: str, ids: Sequence[str], top_k: int) -> tuple[CandidateColumns, int]:
        row_of = {detection_id: row for row, detection_id in enumerate(ids)}
        columns = CandidateColumns([], [], [], [], [])
        revision = 0
        request = scorer_pb2.GetCandidatesRequest(survey_id=survey_id, top_k=top_k)
        for answer in streamed(
            self._stub.GetCandidates, request, timeout_s=STREAM_TIMEOUT_S, address=self._address
        ):
            revision = answer.revision
            for one in answer.lists:
                _append(columns, one, row_of)
        return columns, revision


def _append(columns: CandidateColumns, one: scorer_pb2.CandidateList, row_of: dict[str, int]) -> None:
    query = row_of.get(one.detection_id)
    for candidate in one.candidates:
        row = row_of.get(candidate.detection_id)
        # a detection that came between two reads; the revisions differ then, and all is read again
        if query is None or row is None:
            continue
        columns.query.append(query)
        columns.candidate.append(row)
        columns.visual.append(candidate.visual)
        columns.feasibility.append(candidate.feasibility if candidate.HasField("feasibility") else np.nan)
        columns.fused.append(candidate.fused)
