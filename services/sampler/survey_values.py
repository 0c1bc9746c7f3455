"""Values that the sampler reads from a survey: detections, candidates, changes; and their source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from spotted import messages
from spotted.arrays import BoolArray, Float32Array, FloatArray
from spotted.catalogue.foreign_ids import is_foreign
from spotted.sampling.candidate_graph import CandidateGraph, from_candidates
from spotted.survey import Camera, Detection, DetectionTable, detection_table
from spotted.v1 import scorer_pb2, survey_pb2
from spotted.v1.scorer_pb2 import CandidateFilter

RowArray = npt.NDArray[np.int32]

# encoding of the survey's row numbers
ROW = np.dtype("<i4")
# the item of a detection that the session does not have
ABSENT = -1
# below it, a fused score says nothing about looks
LEAST_FEASIBILITY = np.float32(1e-6)


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

    def with_marks(self) -> CandidateColumns:
        """The same of fused scores that count matched marks: `visual` is raised by them, too.

        FUSION_LOCAL is this raised similarity times feasibility. An impossible journey hides what marks add.
        """
        known = ~np.isnan(self.feasibility)
        possible = np.where(known, np.maximum(self.feasibility, LEAST_FEASIBILITY), np.float32(1.0))
        raised = np.clip(self.fused / possible, self.visual, np.float32(1.0))
        hidden = known & (self.feasibility < LEAST_FEASIBILITY)
        return replace(self, visual=np.where(hidden, self.visual, raised))

    def where(self, kept: BoolArray) -> CandidateColumns:
        """Some of the candidates. kept: (m,)."""
        return CandidateColumns(*(column[kept] for column in self._columns()))

    def followed_by(self, other: CandidateColumns) -> CandidateColumns:
        """These candidates and then others."""
        pairs = zip(self._columns(), other._columns(), strict=True)
        return CandidateColumns(*map(np.concatenate, pairs))

    def _columns(self) -> tuple[npt.NDArray[Any], ...]:
        return self.query, self.candidate, self.visual, self.feasibility, self.fused


@dataclass(frozen=True, slots=True)
class Version:
    """Identifies the state of a survey at one time."""

    uid: str
    """Distinguishes the survey from a deleted one with the same id."""
    revision: int
    """Number of changes of the survey."""


class SurveyContent(Protocol):
    """The detections of a survey as read from it."""

    @property
    def version(self) -> Version:
        """The state of the survey; it may be older than the detections, never newer."""

    @property
    def detections(self) -> dict[str, Detection]:
        """The detections by id."""

    @property
    def versions(self) -> dict[str, int]:
        """Which of its images and vectors a detection has; only those other than 0."""


@dataclass(frozen=True, slots=True)
class SurveyFacts:
    """A survey's detections and cameras, without scores."""

    version: Version
    """May be older than the detections, never newer."""
    detections: dict[str, Detection]
    cameras: dict[str, Camera]
    versions: dict[str, int] = field(default_factory=dict)
    """Which of its images and vectors a detection has; only those other than 0."""
    period_s: tuple[float, float] | None = None
    """Its start and end, UTC seconds since 1970: a time outside is that of a wrong clock; None: unknown."""

    def believes_time(self, detection: Detection) -> bool:
        """Whether the time of a detection, if it has one, lies within its survey."""
        time_s = detection.captured_at_s
        if self.period_s is None or time_s is None or is_foreign(detection.detection_id):
            return True
        return self.period_s[0] <= time_s <= self.period_s[1]


@dataclass(frozen=True, slots=True)
class SurveyChanges:
    """The detections of a survey that changed after they were added."""

    version: Version
    """The version up to which the changes are known."""
    stored: dict[str, bool]
    """Whether the survey has each changed detection now."""


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
    versions: dict[str, int] = field(default_factory=dict)
    """Which of its images and vectors a detection has; only those other than 0."""
    drawn: CandidateColumns | None = None
    """Candidates in other surveys, if the session draws on them; `detections` ends with these."""
    members_digest: str = ""
    """Identifies these."""

    @property
    def complete(self) -> bool:
        """Whether a larger top_k would add no pair."""
        own = sum(not is_foreign(detection_id) for detection_id in self.detections)
        if self.top_k >= own - 1:
            return True
        # a filter may leave fewer candidates than that
        return bool(np.bincount(self.columns.query).max(initial=0) < self.top_k)

    def graph(self, item_of: dict[str, int], count: int) -> CandidateGraph:
        """The candidate graph over the `count` items of a session.

        Every detection of its survey must be one of them; others are left out until the session has them.
        """
        items = np.array([item_of.get(i, ABSENT) for i in self.detections], dtype=np.int64)
        embeddings = table = None
        if self.embeddings is not None:
            # a deleted detection remains an item, without pairs and without a vector
            embeddings = np.zeros((count, self.embeddings.shape[1]), np.float32)
            embeddings[items[items != ABSENT]] = self.embeddings[items != ABSENT]
            table = self.table(item_of, count)
        columns = self.columns
        if self.drawn is not None:
            columns = columns.followed_by(self.drawn.where(items[self.drawn.candidate] != ABSENT))
        return from_candidates(
            count,
            items[columns.query],
            items[columns.candidate],
            visual=columns.visual,
            feasibility=columns.feasibility,
            fused=columns.fused,
            embeddings=embeddings,
            table=table,
        )

    def table(self, item_of: dict[str, int], count: int) -> DetectionTable:
        """Position, time, image and side of the items of a session, in their order.

        All of them are unknown for an item that no detection of the survey has.
        """
        rows = [Detection("")] * count
        for detection_id, detection in self.detections.items():
            if detection_id in item_of:
                rows[item_of[detection_id]] = detection
        return detection_table(rows, self.cameras)


class Scorer(Protocol):
    """The source of a session's scores."""

    def version(self, survey_id: str) -> tuple[Version, int]:
        """The survey's version and number of detections. Raises NotFoundError."""

    def facts(self, survey_id: str) -> SurveyFacts:
        """The survey's current detections and cameras. Raises NotFoundError."""

    def changes(self, survey_id: str, since: Version) -> SurveyChanges:
        """The detections that changed since a version; none if that is of another survey."""

    def read(
        self, survey_id: str, top_k: int, *, with_embeddings: bool, only: CandidateFilter | None = None
    ) -> SurveyScores:
        """The current survey with the top_k candidates of every detection.

        only: candidates are those that pass, and only detections that pass have any; None: all.
        """


def _rows(parts: Iterable[bytes]) -> RowArray:
    return np.frombuffer(b"".join(parts), ROW)


def _scores(parts: Iterable[survey_pb2.Tensor]) -> Float32Array:
    return np.concatenate([np.empty(0, np.float32), *(messages.array(part) for part in parts)])
