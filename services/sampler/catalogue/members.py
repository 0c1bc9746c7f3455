"""Members of the catalogue in other surveys as detections of a session, beside those of its own survey."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from services.sampler.survey_values import CandidateColumns, SurveyFacts, SurveyScores
from spotted.arrays import FloatArray
from spotted.survey import Camera, Detection


@dataclass(frozen=True, slots=True)
class Members:
    """The members of other surveys that a session may ask about."""

    detections: dict[str, Detection]
    """By their ids in the session; each has its entry as individual_id."""
    cameras: dict[str, Camera]
    """Their cameras on the plane of the session's survey; unlike those of the survey itself."""
    versions: dict[str, int]
    """A number made of each one's vector."""
    entry_of: Mapping[str, str]
    """The entry of each detection of the session's survey that is a member."""
    entry_names: Mapping[str, str]
    """The name of each entry that takes part; "" without one."""
    digest: str = ""
    """Differs for other members, vectors and entries."""
    embeddings: FloatArray | None = field(default=None, compare=False)
    """(m, D) their vectors; None unless requested."""


@dataclass(frozen=True, slots=True)
class MemberCandidates:
    """The members that detections of the survey may show, best ones only."""

    query: Sequence[str]
    """(m,) detections of the survey."""
    candidate: Sequence[str]
    """(m,) members, by their ids in the session."""
    visual: Sequence[float]
    feasibility: Sequence[float]
    """NaN if unknown."""
    fused: Sequence[float]


class CatalogueSource(Protocol):
    """The source of members and of their scores."""

    def members(self, survey_id: str, survey_ids: Sequence[str], *, with_embeddings: bool = False) -> Members:
        """The members in some surveys. Raises NotFoundError for the session's survey, UnavailableError."""

    def candidates(
        self, survey_id: str, survey_ids: Sequence[str], *, comparable_sides_only: bool
    ) -> MemberCandidates:
        """The members that each detection of the survey may show. Raises as `members`."""


def with_members(survey: SurveyFacts, members: Members) -> SurveyFacts:
    """A survey beside members of others: its own detections that are members have the name of their entry.

    >>> from services.sampler.survey_values import Version
    >>> own = SurveyFacts(Version("u", 3), {"d1": Detection("d1", individual_id="Sita")}, {})
    >>> known = {"~2024/d7": Detection("~2024/d7", individual_id="cat-a")}
    >>> joined = with_members(own, Members(known, {}, {"~2024/d7": 5}, {"d1": "cat-a"}, {"cat-a": "Sita"}))
    >>> [one.individual_id for one in joined.detections.values()], joined.versions
    (['cat-a', 'cat-a'], {'~2024/d7': 5})
    """
    return replace(
        survey,
        detections=_named(survey.detections, members) | members.detections,
        cameras=survey.cameras | members.cameras,
        versions=survey.versions | members.versions,
    )


def with_candidates(scores: SurveyScores, members: Members, found: MemberCandidates) -> SurveyScores:
    """The scores of a survey with members as further candidates."""
    detections = _named(scores.detections, members) | members.detections
    row_of = {detection_id: row for row, detection_id in enumerate(detections)}
    # the survey and the catalogue may change between the two answers
    kept = [
        n for n, ids in enumerate(zip(found.query, found.candidate, strict=True)) if {*ids} <= row_of.keys()
    ]
    vectors = scores.embeddings
    if vectors is not None and members.embeddings is not None and len(members.embeddings):
        vectors = np.concatenate([vectors, members.embeddings.astype(vectors.dtype)])
    return replace(
        scores,
        detections=detections,
        cameras=scores.cameras | members.cameras,
        versions=scores.versions | members.versions,
        embeddings=vectors,
        drawn=CandidateColumns(
            np.array([row_of[found.query[n]] for n in kept], np.int32),
            np.array([row_of[found.candidate[n]] for n in kept], np.int32),
            np.array([found.visual[n] for n in kept], np.float32),
            np.array([found.feasibility[n] for n in kept], np.float32),
            np.array([found.fused[n] for n in kept], np.float32),
        ),
        members_digest=members.digest,
    )


def _named(detections: Mapping[str, Detection], members: Members) -> dict[str, Detection]:
    """Detections of the survey with their entries as names."""
    named = dict(detections)
    for detection_id, entry_id in members.entry_of.items():
        if detection_id in named:
            named[detection_id] = replace(named[detection_id], individual_id=entry_id)
    return named
