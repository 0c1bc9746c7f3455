"""The survey read into a session outside a round, as an event of its journal."""

from __future__ import annotations

from collections.abc import Callable, Collection

from services.common.store.folded import Folded
from services.common.store.journal import Change
from services.sampler.facts.survey_read import has_names, read_survey
from services.sampler.session.state import SessionState
from services.sampler.survey_values import SurveyFacts
from spotted.v1.session_facts_pb2 import SurveyRead

MakeEvent = Callable[[SurveyRead], bytes]


def read_names(folded: Folded[SessionState], facts: SurveyFacts, event: MakeEvent) -> None:
    """Add the survey's detections with their names to a session that was created just now, if any has a name.

    Without a name there is nothing to keep as of now: the first round adds the detections. Members of the
    catalogue have names.
    """
    if not has_names(facts.detections.values()):
        return

    def decide(state: SessionState) -> Change:
        if state.position > 1:
            return Change(b"", b"")
        return Change(event(_read(state, facts)), b"")

    folded.change(decide, scope="ReadSurvey")


def add_detections(
    folded: Folded[SessionState], facts: SurveyFacts, wanted: Collection[str], event: MakeEvent
) -> None:
    """Add the survey's new detections to a session, unless it has the wanted ones already."""

    def decide(state: SessionState) -> Change:
        if all(detection_id in state.roster.item_of for detection_id in wanted):
            return Change(b"", b"")
        added = facts.detections.keys() - state.roster.item_of.keys()
        return Change(event(_read(state, facts, added)), b"")

    folded.change(decide, scope="ReadSurvey")


def _read(state: SessionState, facts: SurveyFacts, among: Collection[str] | None = None) -> SurveyRead:
    return read_survey(state.session, state.roster, facts, before=state.survey, among=among)
