"""Reads a session's survey from the scorer: the only calls between services."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from services.common.access.outgoing import Line
from services.common.settings import Security
from spotted import messages
from spotted.arrays import Float32Array, FloatArray
from spotted.client.calls import our_errors, streamed
from spotted.errors import ConcurrencyError
from spotted.sampling.candidate_graph import CandidateGraph, from_candidates
from spotted.survey import Camera, Detection, DetectionTable, detection_table
from spotted.v1 import scorer_pb2, survey_pb2
from spotted.v1.scorer_pb2_grpc import ScorerServiceStub

RowArray = npt.NDArray[np.int32]

CALL_TIMEOUT_S = 30.0
STREAM_TIMEOUT_S = 600.0
# attempts to read a survey that changes while it is read
ATTEMPTS = 5
# encoding of the survey's row numbers
ROW = np.dtype("<i4")


@dataclass(frozen=True, slots=True)
class CandidateColumns:
    """Candidate lists of all detections, concatenated; 20 bytes per candidate.

    query, candidate: (m,) int32, rows in the survey's order of detections.
    visual, feasibility, fused: (m,) float32; feasibility is NaN if unknown.
    """

    query: RowArray
    candidate: RowArray
    visual: Float32Array
    feasibility: Float32Array
    fused: Float32Array

    @classmethod
    def joined(cls, blocks: Sequence[scorer_pb2.CandidateColumns]) -> CandidateColumns:
        """The columns of all blocks, in their order."""
        return cls(
            _rows(block.query_rows for block in blocks),
            _rows(block.candidate_rows for block in blocks),
            _scores(block.visual for block in blocks),
            _scores(block.feasibility for block in blocks),
            _scores(block.fused for block in blocks),
        )


@dataclass(frozen=True, slots=True)
class Version:
    """Identifies the state of a survey at one time."""

    uid: str
    """Distinguishes the survey from a deleted one with the same id."""
    revision: int
    """Number of changes of the survey."""


@dataclass(frozen=True, slots=True)
class SurveyFacts:
    """A survey's detections and cameras, without scores."""

    version: Version
    """May be older than the detections, never newer."""
    detections: dict[str, Detection]
    cameras: dict[str, Camera]


@dataclass(frozen=True, slots=True)
class SurveyScores:
    """The detections, cameras and candidates of a survey at one version."""

    version: Version
    top_k: int
    detections: dict[str, Detection]
    """By id, in the survey's order."""
    cameras: dict[str, Camera]
    columns: CandidateColumns
    """The top_k candidates of each detection."""
    embeddings: FloatArray | None
    """(n, D) in the type that the scorer sends; None unless requested."""

    @property
    def complete(self) -> bool:
        """Whether a larger top_k would add no pair."""
        return self.top_k >= len(self.detections) - 1

    def graph(self, item_of: dict[str, int]) -> CandidateGraph:
        """The candidate graph over the items of a session; every detection must be an item."""
        items = np.array([item_of[i] for i in self.detections], dtype=np.int64)
        embeddings = table = None
        if self.embeddings is not None:
            # a deleted detection remains an item, without pairs and without a vector
            embeddings = np.zeros((len(item_of), self.embeddings.shape[1]), np.float32)
            embeddings[items] = self.embeddings
            table = self.table(item_of)
        return from_candidates(
            len(item_of),
            items[self.columns.query],
            items[self.columns.candidate],
            visual=self.columns.visual,
            feasibility=self.columns.feasibility,
            fused=self.columns.fused,
            embeddings=embeddings,
            table=table,
        )

    def table(self, item_of: dict[str, int]) -> DetectionTable:
        """Position, time, image and side of the items of a session, in their order.

        All of them are unknown for a detection that was deleted.
        """
        deleted = Detection("")
        in_order = sorted(item_of, key=item_of.__getitem__)
        return detection_table([self.detections.get(i, deleted) for i in in_order], self.cameras)


class Scorer(Protocol):
    """The source of a session's scores."""

    def version(self, survey_id: str) -> tuple[Version, int]:
        """The survey's version and number of detections. Raises NotFoundError."""

    def facts(self, survey_id: str) -> SurveyFacts:
        """The survey's current detections and cameras. Raises NotFoundError."""

    def read(self, survey_id: str, top_k: int, *, with_embeddings: bool) -> SurveyScores:
        """The current survey with the top_k candidates of every detection."""


class ScorerClient:
    """The scorer over gRPC. Every method raises NotFoundError for the survey, or UnavailableError."""

    def __init__(self, address: str, security: Security | None = None) -> None:
        self._address = address
        self._line = Line(address, security)
        self._last_stub = (self._line.channel(), ScorerServiceStub(self._line.channel()))

    def version(self, survey_id: str) -> tuple[Version, int]:
        """The survey's version and number of detections."""
        with our_errors(self._address):
            answer = self._stub.GetSurvey(
                scorer_pb2.GetSurveyRequest(survey_id=survey_id), timeout=CALL_TIMEOUT_S
            )
        survey = answer.survey
        return Version(survey.uid, survey.revision), survey.detection_count

    def facts(self, survey_id: str) -> SurveyFacts:
        """The survey's current detections and cameras."""
        version, _ = self.version(survey_id)
        detections, _, _ = self._detections(survey_id, with_embeddings=False)
        return SurveyFacts(version, detections, self._cameras(survey_id))

    def read(self, survey_id: str, top_k: int, *, with_embeddings: bool) -> SurveyScores:
        """The current survey; all parts are of one version."""
        for _ in range(ATTEMPTS):
            version, _ = self.version(survey_id)
            detections, embeddings, seen = self._detections(survey_id, with_embeddings=with_embeddings)
            cameras = self._cameras(survey_id)
            # row numbers are valid only for detections of the same revision
            columns = self._columns(survey_id, top_k, seen) if seen == version.revision else None
            if columns is not None:
                return SurveyScores(version, top_k, detections, cameras, columns, embeddings)
        raise ConcurrencyError(
            f"survey {survey_id!r} changed during each of {ATTEMPTS} attempts to read it; ask again when its "
            "import is done"
        )

    def close(self) -> None:
        """Close the channel."""
        self._line.close()

    @property
    def _stub(self) -> ScorerServiceStub:
        channel = self._line.channel()
        if channel is not self._last_stub[0]:
            self._last_stub = (channel, ScorerServiceStub(channel))
        return self._last_stub[1]

    def _detections(
        self, survey_id: str, *, with_embeddings: bool
    ) -> tuple[dict[str, Detection], FloatArray | None, int]:
        request = scorer_pb2.ListDetectionsRequest(survey_id=survey_id, include_embeddings=with_embeddings)
        detections: dict[str, Detection] = {}
        blocks: list[FloatArray] = []
        revisions = set()
        while True:
            with our_errors(self._address):
                page = self._stub.ListDetections(request, timeout=CALL_TIMEOUT_S)
            detections |= {d.detection_id: messages.detection(d) for d in page.detections}
            revisions.add(page.revision)
            if with_embeddings and page.detections:
                blocks.append(messages.array(page.embeddings))
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

    def _columns(self, survey_id: str, top_k: int, revision: int) -> CandidateColumns | None:
        """The candidates of all detections; None if the survey's revision is no longer this one."""
        request = scorer_pb2.GetCandidatesRequest(survey_id=survey_id, top_k=top_k, as_columns=True)
        blocks = []
        for answer in streamed(
            self._stub.GetCandidates, request, timeout_s=STREAM_TIMEOUT_S, address=self._address
        ):
            if answer.revision != revision:
                return None
            blocks.append(answer.columns)
        return CandidateColumns.joined(blocks)


def _rows(parts: Iterable[bytes]) -> RowArray:
    return np.frombuffer(b"".join(parts), ROW)


def _scores(parts: Iterable[survey_pb2.Tensor]) -> Float32Array:
    return np.concatenate([np.empty(0, np.float32), *(messages.array(part) for part in parts)])
