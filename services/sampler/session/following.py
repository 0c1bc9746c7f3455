"""Sessions follow their survey: detections that were deleted, or have another image, leave them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from services.common.store import keys
from services.common.store.cache import Recent
from services.common.store.folded import Folded
from services.common.store.journal import Change
from services.common.store.keys import SessionKey
from services.common.store.store import Store
from services.sampler.scorer_client import Scorer, SurveyChanges, Version
from services.sampler.session.state import SessionState
from spotted.errors import DeadlineError, UnavailableError
from spotted.v1 import sampler_pb2 as pb

# sessions whose survey is remembered, a few hundred bytes each
MOST_SESSIONS = 10_000
# after a scorer did not answer; waiting for it at every call would keep annotators from answering
RETRY_S = 5.0
UNREAD = Version("", 0)

logger = logging.getLogger("spotted")


@dataclass(frozen=True, slots=True)
class Followed:
    """The survey of a session, as far as the session knows it."""

    changed: int = 0
    """The revision at which a detection of the session was last seen to have changed."""
    returning: bool = False
    """Whether a detection that changed is not in the session, so that a new round would add it."""


@dataclass(slots=True)
class _Seen:
    """The survey of a session as last looked at."""

    length: int = -1
    """Number of its events."""
    read: Version = UNREAD
    """Up to which its changes were read."""
    planned: Version = UNREAD
    """The survey of the session's round at that time."""
    followed: Followed = Followed()
    retry_at_s: float = 0.0
    """By the monotonic clock; when to ask the scorer again."""


class Following:
    """Takes detections that left a survey out of its sessions, by an event of each session."""

    def __init__(self, store: Store, scorer: Scorer) -> None:
        self._store = store
        self._scorer = scorer
        self._entries: Recent[SessionKey, _Seen] = Recent(MOST_SESSIONS, lambda _: 1)

    def follow(
        self, key: SessionKey, folded: Folded[SessionState], event: Callable[[pb.DetectionsLeft], bytes]
    ) -> Followed:
        """Bring a session up to its survey.

        One round trip to the store if the survey did not change. If the scorer does not answer, the session
        follows later. Raises NotFoundError.
        """
        planned = folded.view(lambda state, _: state.planned.survey if state.planned else UNREAD)
        length = self._store.length(keys.survey_journal(key[0]))
        seen = self._entries.get(key, _Seen)
        if (seen.length, seen.planned) == (length, planned) or time.monotonic() < seen.retry_at_s:
            return seen.followed
        try:
            changes = self._changes(key[0], seen, planned)
        except (UnavailableError, DeadlineError) as error:
            logger.warning("session %s of survey %s cannot follow the survey yet: %s", key[1], key[0], error)
            seen.retry_at_s = time.monotonic() + RETRY_S
            return seen.followed
        concerned, leaving = folded.view(
            lambda state, _: (not state.item_of.keys().isdisjoint(changes.versions), _left(state, changes))
        )
        if leaving:
            folded.change(lambda state: _departure(state, changes, event), scope="DetectionsLeft")
        followed = Followed(
            changes.version.revision if concerned else seen.followed.changed,
            folded.view(lambda state, _: _returning(state, changes)),
        )
        seen.length, seen.read, seen.planned, seen.followed = length, changes.version, planned, followed
        return followed

    def _changes(self, survey_id: str, seen: _Seen, planned: Version) -> SurveyChanges:
        # a round may have added detections as they were at an earlier revision
        since = min(seen.read.revision, planned.revision)
        changes = self._scorer.detection_changes(survey_id, since)
        if since and changes.version.uid != seen.read.uid:
            # created again or restored: the revisions were those of another survey
            changes = self._scorer.detection_changes(survey_id, 0)
        return changes


def _left(state: SessionState, changes: SurveyChanges) -> list[str]:
    """The detections of the session that left the survey or have another image, ordered by id."""
    return sorted(
        detection_id
        for detection_id, version in changes.versions.items()
        if detection_id in state.item_of and state.versions.get(detection_id, 0) != version
    )


def _returning(state: SessionState, changes: SurveyChanges) -> bool:
    return any(v is not None and i not in state.item_of for i, v in changes.versions.items())


def _departure(
    state: SessionState, changes: SurveyChanges, event: Callable[[pb.DetectionsLeft], bytes]
) -> Change:
    left = _left(state, changes)
    message = pb.DetectionsLeft(
        detection_ids=left, survey_revision=changes.version.revision, survey_uid=changes.version.uid
    )
    # another replica may have stored it meanwhile
    return Change(event(message) if left else b"", b"")
