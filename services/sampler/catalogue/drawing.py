"""The detections of sessions, beside members of the surveys that they draw on."""

from __future__ import annotations

from dataclasses import dataclass

from services.sampler.catalogue.members import CatalogueSource, Members, with_candidates, with_members
from services.sampler.survey_values import Scorer, SurveyFacts, SurveyScores
from spotted.v1 import sampler_pb2 as pb


@dataclass(frozen=True, slots=True)
class Drawing:
    """Reads what sessions are about. Methods raise NotFoundError for the survey, or UnavailableError."""

    scorer: Scorer
    """The source of the detections."""
    source: CatalogueSource | None = None
    """The source of members in other surveys; None if no session draws on them."""

    def facts(self, session: pb.Session) -> SurveyFacts:
        """The detections of a session's survey and the members."""
        return self.beside(self.scorer.facts(session.survey_id), self.members(session))

    def members(self, session: pb.Session, *, with_embeddings: bool = False) -> Members | None:
        """The members of the surveys that a session draws on; None for one that draws on none."""
        if not session.catalogue_survey_ids or self.source is None:
            return None
        about = session.survey_id, session.catalogue_survey_ids
        return self.source.members(*about, with_embeddings=with_embeddings)

    def beside(self, survey: SurveyFacts, members: Members | None) -> SurveyFacts:
        """A survey beside members."""
        return survey if members is None else with_members(survey, members)

    def scored(self, session: pb.Session, scores: SurveyScores, members: Members | None) -> SurveyScores:
        """The scores of a survey beside those of members with it."""
        if members is None or self.source is None:
            return scores
        about = session.survey_id, session.catalogue_survey_ids
        comparable = not session.ask_opposite_flanks
        return with_candidates(
            scores, members, self.source.candidates(*about, comparable_sides_only=comparable)
        )
