"""A change of a session's settings, as one event of its journal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from services.common.session.settings import check_settings
from services.common.store import keys
from services.common.store.journal import Change
from services.sampler.facts.survey_read import read_survey
from services.sampler.session.defaults import set_settings
from services.sampler.session.sessions import Sessions
from services.sampler.session.state import SessionState
from spotted.v1 import sampler_pb2 as pb

# with these the survey is read again
FROM_SURVEY = frozenset({"known_individuals", "filter"})

ViewT = TypeVar("ViewT")


def update_session(
    sessions: Sessions,
    changes: pb.Session,
    paths: Sequence[str],
    request_id: str,
    look: Callable[[SessionState, int], ViewT],
) -> tuple[pb.Session, ViewT]:
    """Change the settings that paths name; returns the session and `look` of it after that.

    Raises NotFoundError, InvalidInputError if they do not go with its other settings.
    """
    survey_id, session_id = changes.survey_id, changes.session_id
    session = sessions.get(survey_id, session_id)
    facts = None if FROM_SURVEY.isdisjoint(paths) else sessions.drawing.facts(session)

    def decide(state: SessionState) -> Change:
        session = pb.Session()
        session.CopyFrom(state.session)
        set_settings(session, changes, paths)
        # together with those that do not change
        check_settings(session, "session.")
        updated = pb.SessionUpdated()
        set_settings(updated.settings, session)
        if facts is not None:
            read = read_survey(session, state.roster, facts, before=state.survey, complete=True)
            updated.read.CopyFrom(read)
        return Change(sessions.event(updated=updated), b"")

    after = sessions.folded(survey_id, session_id).change_and_view(
        decide,
        lambda _, state, position: look(state, position),
        scope=keys.session_scope("UpdateSession", session_id),
        request_id=request_id,
    )
    return sessions.get(survey_id, session_id), after
