"""Sources that sessions follow: read only if something changed, and not soon again if that failed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from services.common.store.keys import SessionKey
from spotted.errors import NotFoundError, SpottedError

# sessions of which something is remembered
MOST = 10_000
# a source that could not be read is not read again for this long
RETRY_S = 5.0
# equal as long as a session has all of its source
Stamp = tuple[object, ...]

logger = logging.getLogger("spotted")


class CatchingUp:
    """When sessions read one source. source: how messages name it. clock: monotonic seconds."""

    def __init__(self, source: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._clock = clock
        self._seen: dict[SessionKey, Stamp] = {}
        self._retry_at_s: dict[str, float] = {}

    def is_due(self, key: SessionKey, stamp: Stamp) -> bool:
        """Whether a session has to read: its stamp is new, and no reading failed a moment ago."""
        survey_id, now_s = key[0], self._clock()
        return self._seen.get(key) != stamp and now_s >= self._retry_at_s.get(survey_id, now_s)

    def read(self, key: SessionKey, take_in: Callable[[], None], stamp: Callable[[], Stamp]) -> None:
        """Take in the source. stamp: the stamp of the session after it.

        A source that cannot be read is logged, and all sessions of the survey wait before they try again; the
        session stays as it is.
        """
        survey_id = key[0]
        try:
            take_in()
        except NotFoundError:
            # the survey was deleted as it was read; the next call says so, or finds it created again
            return
        except SpottedError as error:
            self._retry_at_s[survey_id] = self._clock() + RETRY_S
            logger.warning("cannot read %s of survey %s: %s", self._source, survey_id, error)
            return
        if len(self._seen) >= MOST:
            self._seen.clear()
            self._retry_at_s.clear()
        self._seen[key] = stamp()
