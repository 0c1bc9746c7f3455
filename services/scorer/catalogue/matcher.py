"""A request to match with the catalogue, prepared: who competes, and where their vectors are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.common.access.caller import Caller
from services.common.survey.rows import HalfArray
from services.common.survey.state import feasibility_digest
from services.scorer.catalogue import requests
from services.scorer.catalogue.catalogues import Catalogues, CatalogueState, own_survey, reader
from services.scorer.catalogue.gallery import CatalogueGallery, Part, open_gallery, part_of
from services.scorer.catalogue.matching import Match, Query, match_all, photograph_rows, queries_of
from services.scorer.catalogue.requests import MatchWish
from services.scorer.scored_surveys import ScoredSurvey, ScoredSurveys
from services.scorer.surveys import Surveys
from spotted.catalogue.entries import CatalogueView
from spotted.catalogue.facts import Membership
from spotted.errors import DamagedError, NotFoundError
from spotted.scoring.fusion import Fusion
from spotted.v1 import catalogue_pb2 as pb
from spotted.v1 import survey_pb2

WITHIN_ONE_SURVEY = (
    "marks are matched within one survey, so candidates of the catalogue are ranked by the product; ask for "
    "it, or compare marks in one survey that holds both photographs"
)
# entry and image of each member, by detection
Members = Mapping[str, tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Matching:
    """Queries, and all that they are compared with."""

    scored: ScoredSurvey
    """The survey of the photographs."""
    gallery: CatalogueGallery
    queries: list[Query]
    wish: MatchWish
    names: Mapping[str, str]
    """Name of each entry that has a member in the gallery."""
    known_as: Mapping[str, str]
    """Entry of each detection of the survey that has one."""

    def matches(self) -> Iterator[Match]:
        """The candidates of each query, in their order."""
        return match_all(self.scored, self.gallery, self.queries, self.wish)

    def spec(self) -> survey_pb2.ScoreSpec:
        """The spec of the scores."""
        spec = self.scored.spec(self.wish.fusion)
        spec.local_digest = ""
        if self.wish.fusion is Fusion.LOCAL:
            spec.fusion, spec.fallback = survey_pb2.FUSION_PRODUCT, spec.fallback or WITHIN_ONE_SURVEY
        places = any(not part.reason for part in self.gallery.parts)
        params = self.scored.gallery.params
        spec.feasibility_digest = feasibility_digest(params, self.gallery.extent) if places else ""
        return spec


@dataclass(frozen=True, slots=True)
class Beside:
    """Members of other surveys, and the catalogue as a caller sees it."""

    parts: Sequence[Part]
    """The surveys of the members, ordered by id."""
    names: Mapping[str, str]
    """Name of each entry; "" without one."""
    known_as: Mapping[str, str]
    """Entry of each detection of the survey itself that has one."""


class CatalogueMatcher:
    """Prepares requests to match with the catalogue."""

    def __init__(self, catalogues: Catalogues, surveys: Surveys, scored: ScoredSurveys) -> None:
        self._catalogues = catalogues
        self._surveys = surveys
        self._scored = scored

    def open(self, survey_id: str, wish: MatchWish, caller: Caller) -> Matching:
        """Prepare a request. Raises NotFoundError for the survey, a detection or an encounter of it."""
        scored = self._scored.get(survey_id)
        queries = queries_of(scored.snapshot, wish)
        beside = self.beside(scored, reader(survey_id, wish.survey_ids, caller))
        parts, rows = beside.parts, photograph_rows(queries)
        vectors = [scored.gallery.embeddings[rows], *self.vectors(scored, parts)]
        places = scored.fusion(wish.fusion) is not Fusion.CALIBRATED
        joined = np.concatenate([*vectors[1:], vectors[0]])
        gallery = open_gallery(scored.snapshot, rows, parts, joined, places=places)
        return Matching(scored, gallery, queries, wish, beside.names, beside.known_as)

    def beside(self, scored: ScoredSurvey, caller: Caller) -> Beside:
        """The members that a caller sees, beside the photographs of a survey."""
        survey_id = scored.snapshot.survey.survey_id

        def look(state: CatalogueState, view: CatalogueView) -> tuple[dict[str, Members], dict[str, str]]:
            return members_by_survey(state, view), {e.entry_id: e.name for e in view.entries}

        members, names = self._catalogues.look(caller, look)
        own = members.pop(own_survey(survey_id, caller), {})
        known_as = {detection_id: entry_id for detection_id, (entry_id, _) in own.items()}
        spec = scored.snapshot.survey.embedding
        parts = [self._part(each, caller.prefix + each, members[each], spec) for each in sorted(members)]
        return Beside(parts, names, known_as)

    def vectors(self, scored: ScoredSurvey, parts: Sequence[Part]) -> list[HalfArray]:
        """The vectors of the members of each survey, through the active head of the survey beside them."""
        return [self._scored.adapt_rows(scored, p.snapshot.base[p.rows]) for p in parts if p.snapshot]

    def read(self, request: pb.ReadCatalogueMembersRequest, caller: Caller) -> tuple[ScoredSurvey, Beside]:
        """The members that a request reads. Raises NotFoundError for the survey."""
        scored = self._scored.get(request.survey_id)
        only = reader(request.survey_id, requests.other_surveys(request.survey_ids), caller)
        return scored, self.beside(scored, only)

    def _part(self, survey_id: str, stored_id: str, members: Members, spec: survey_pb2.EmbeddingSpec) -> Part:
        """The members of a survey that can be compared."""
        nobody = np.empty(0, np.int64)
        try:
            snapshot = self._surveys.snapshot(stored_id)
        except NotFoundError:
            return Part(survey_id, None, nobody, (), len(members), "the survey was deleted")
        except DamagedError as error:
            return Part(survey_id, None, nobody, (), len(members), str(error))
        if snapshot.survey.embedding != spec:
            reason = "its photographs were embedded with another backbone or preprocessing"
            return Part(survey_id, None, nobody, (), 0, reason)
        return part_of(survey_id, snapshot, members)


def members_by_survey(state: CatalogueState, view: CatalogueView) -> dict[str, Members]:
    """The members that a caller sees, by survey and detection."""
    found: dict[str, dict[str, tuple[str, bytes]]] = {}
    for entry in view.entries:
        for member in entry.members:
            value = state.facts.known[member]
            if isinstance(value, Membership):
                of_survey = found.setdefault(member.survey_id, {})
                of_survey[member.detection_id] = (entry.entry_id, value.image)
    return dict(found)
