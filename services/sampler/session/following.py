"""Sessions that follow their survey: detections deleted, added again or corrected are taken in as events."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from services.common.store.folded import Folded
from services.common.store.journal import Change, Journal
from services.common.store.keys import SessionKey
from services.common.store.store import Store
from services.sampler.facts.survey_read import read_survey
from services.sampler.session.catching_up import CatchingUp, Stamp
from services.sampler.session.state import SessionState
from services.sampler.survey_values import Scorer, SurveyChanges, SurveyFacts, Version
from spotted.v1.session_facts_pb2 import SurveyRead


class Following:
    """Takes changes of surveys into their sessions.

    The length of the survey's journal in the store says whether there are any; only then is the scorer asked.
    Any replica may take them in: what a session has already is not taken in again.
    """

    def __init__(
        self,
        store: Store,
        scorer: Scorer,
        event: Callable[[SurveyRead], bytes],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin. event: makes a journal entry. clock: monotonic seconds."""
        self._store = store
        self._scorer = scorer
        self._event = event
        self._catching_up = CatchingUp("the changes", clock=clock)

    def follow(self, folded: Folded[SessionState], key: SessionKey) -> None:
        """Take in what became of the detections of a session since its survey was read last.

        If the survey cannot be read now, the session stays as it is, and it is tried again later.
        Raises NotFoundError for the session.
        """
        survey_id = key[0]
        length = Journal(self._store, survey_id).length()

        def stamp() -> Stamp:
            # what the session has read of its survey, and the length up to which that was all
            return folded.peek().survey, length

        if not self._catching_up.is_due(key, stamp()):
            return
        known = folded.view(lambda state, _: state.survey)
        if known is not None:
            self._catching_up.read(key, lambda: self._take_in(folded, survey_id, known), stamp)

    def _take_in(self, folded: Folded[SessionState], survey_id: str, known: Version) -> None:
        changes = self._scorer.changes(survey_id, known)
        concerned = folded.view(lambda state, _: state.roster.item_of.keys() & changes.stored.keys())
        is_other = changes.version.uid != known.uid
        if not concerned and not is_other:
            return
        survey = SurveyFacts(changes.version, {}, {})
        # of detections that were deleted there is nothing to read
        if is_other or any(changes.stored[i] for i in concerned):
            # others may have changed since the changes were read, and are read next time
            survey = replace(self._scorer.facts(survey_id), version=changes.version)

        def decide(state: SessionState) -> Change:
            read = _read(state, survey, changes)
            return Change(b"" if read is None else self._event(read), b"")

        folded.change(decide, scope="FollowSurvey")


def _read(state: SessionState, survey: SurveyFacts, changes: SurveyChanges) -> SurveyRead | None:
    """Changes that a session takes in; None if it has all of it, or knows a later version of the survey."""
    before, roster = state.survey, state.roster
    is_other = before is None or before.uid != survey.version.uid
    if before is not None and not is_other and before.revision >= survey.version.revision:
        return None
    known = roster.item_of.keys()
    among = known if is_other else known & changes.stored.keys()
    read = read_survey(state.session, roster, survey, before=before, among=among)
    corrected = not is_other and any(changes.stored[i] for i in among)
    came_or_went = read.added_detection_ids or read.gone_detection_ids or read.returned_detection_ids
    return read if corrected or came_or_went else None
