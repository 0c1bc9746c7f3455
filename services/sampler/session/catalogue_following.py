"""Sessions that follow the catalogue: members that come, go or are corrected are taken in as events."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from services.common.store import keys
from services.common.store.catalogue_journal import CatalogueJournal
from services.common.store.folded import Folded
from services.common.store.journal import Change, Journal
from services.common.store.keys import SessionKey
from services.common.store.store import Store
from services.sampler.catalogue.drawing import Drawing
from services.sampler.catalogue.members import Members
from services.sampler.facts.survey_read import FLANKS, read_survey
from services.sampler.session.catching_up import CatchingUp, Stamp
from services.sampler.session.state import SessionState
from services.sampler.survey_values import SurveyFacts
from spotted.catalogue.entries import is_entry_id
from spotted.catalogue.foreign_ids import is_foreign
from spotted.facts.scope import NO_FLANK
from spotted.survey import Detection
from spotted.v1.session_facts_pb2 import EntryName, SurveyRead


class CatalogueFollowing:
    """Takes changes of the catalogue into the sessions that draw on it.

    The lengths of the journals of the catalogue and of the surveys say whether there are any; only then is
    the scorer asked. Any replica may take them in: what a session has already is not taken in again.
    """

    def __init__(
        self,
        store: Store,
        drawing: Drawing,
        event: Callable[[SurveyRead], bytes],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin. event: makes a journal entry. clock: monotonic seconds."""
        self._store = store
        self._drawing = drawing
        self._event = event
        self._catching_up = CatchingUp("the catalogue", clock=clock)

    def follow(self, folded: Folded[SessionState], key: SessionKey) -> None:
        """Take in what became of the members of a session; if they cannot be read now, it is tried again."""
        survey_ids = list(folded.peek().session.catalogue_survey_ids)
        if not survey_ids:
            return
        lengths = self._lengths(key[0], survey_ids)

        def stamp() -> Stamp:
            return folded.generation, *lengths

        if self._catching_up.is_due(key, stamp()):
            self._catching_up.read(key, lambda: self._take_in(folded), stamp)

    def _take_in(self, folded: Folded[SessionState]) -> None:
        session = folded.peek().session
        members = self._drawing.members(session)
        if members is None:
            return
        content = self._drawing.beside(self._drawing.scorer.facts(session.survey_id), members)

        def decide(state: SessionState) -> Change:
            read = _read_members(state, content, members)
            return Change(b"" if read is None else self._event(read), b"")

        folded.change(decide, scope="FollowCatalogue")

    def _lengths(self, survey_id: str, survey_ids: list[str]) -> list[int]:
        organisation = keys.owner(survey_id)
        prefix = f"{organisation}{keys.OF}" if organisation else ""
        journals = [
            CatalogueJournal(self._store, organisation),
            Journal(self._store, survey_id),
            *(Journal(self._store, prefix + each) for each in survey_ids),
        ]
        return [journal.length() for journal in journals]


def _read_members(state: SessionState, content: SurveyFacts, members: Members) -> SurveyRead | None:
    """The changes that a session takes in; None if it has all, or has read nothing of its survey yet.

    content: its survey beside the members.
    """
    if state.survey is None:
        return None
    # what became of its own detections is taken in apart
    content = replace(content, version=state.survey)
    other = {*_differing(state, content)}
    read = read_survey(state.session, state.roster, content, before=state.survey, among=other, renamed=other)
    if dict(members.entry_names) != state.facts.entry_names:
        read.entry_names.extend(
            EntryName(entry_id=i, display_name=name) for i, name in sorted(members.entry_names.items())
        )
    return read if other or read.entry_names else None


def _differing(state: SessionState, content: SurveyFacts) -> Iterator[str]:
    """The members, and detections of the survey, that are not as the session has them."""
    roster, facts = state.roster, state.facts
    living = roster.living()
    for detection_id in {*filter(is_foreign, living), *filter(is_foreign, content.detections)}:
        now, item = content.detections.get(detection_id), living.get(detection_id)
        is_same = (
            now is not None
            and item is not None
            and roster.version(item) == content.versions.get(detection_id, 0)
            and facts.names.get(item, "") == now.individual_id
            and facts.flank(item) == _flank(now)
        )
        if not is_same:
            yield detection_id
    for detection_id, item in living.items():
        now = content.detections.get(detection_id)
        if now is not None and not is_foreign(detection_id):
            was, is_now = facts.names.get(item, ""), now.individual_id
            if was != is_now and (is_entry_id(was) or is_entry_id(is_now)):
                yield detection_id


def _flank(detection: Detection) -> int:
    return FLANKS.get(detection.side, NO_FLANK)
