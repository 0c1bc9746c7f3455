"""In-memory state rebuilt from a journal; a change costs one round trip to the store."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeVar

from google.protobuf.message import DecodeError

from services.common.store import request_content
from services.common.store.journal import Change, Journal, News, Offer, OfferResult, generation
from services.common.telemetry import metrics
from spotted.errors import ConcurrencyError, SpottedError, SurveyDamagedError

# the loser of a race decides again at once; among eight writers that never pause, some lose a hundred times
ATTEMPTS = 200
# interval of the log lines while a long journal is read
LOG_EVERY_S = 2.0

logger = logging.getLogger("spotted")


class State(Protocol):
    """State that a journal is folded into."""

    def apply(self, event: bytes) -> None:
        """Apply one event, serialised."""


StateT = TypeVar("StateT", bound=State)
ViewT = TypeVar("ViewT")


class Reply(NamedTuple):
    """The answer to a request."""

    value: bytes
    """The answer of the change, or the first answer if the request is repeated."""
    repeated: bool
    """Whether the store already knew the request id, so nothing was appended."""


@dataclass(slots=True, eq=False)
class _Turn(Generic[StateT]):
    """A change waiting to be appended together with others; `finish` is called only if it was appended."""

    decide: Callable[[StateT, int], Change]
    finish: Callable[[Reply, StateT, int], None]
    scope: str
    request_id: str
    content: str
    """Digest of the request; the thread that appends serves another request."""
    served: bool = False


class Folded(Generic[StateT]):
    """A state kept up to date with its journal, shared by the threads of one process."""

    def __init__(
        self, journal: Journal, start: Callable[[], StateT], missing: Callable[[], Exception]
    ) -> None:
        """Begin without events. missing: makes the error to raise while the journal has no event."""
        self.journal = journal
        self._start = start
        self._missing = missing
        self._lock = threading.RLock()
        self._state = start()
        self._position = 0
        # entries as stored
        self._first = b""
        self._last = b""
        self._reported = -1
        self._turns = threading.Condition()
        self._waiting: list[_Turn[StateT]] = []
        self._serving = False

    def view(self, look: Callable[[StateT, int], ViewT]) -> ViewT:
        """Return `look` of the state after all events in the store, and of their number.

        look: must be fast, must not alter the state, and must not keep references to mutable parts of it.
        """
        with self._lock:
            self._catch_up()
            return look(self._state, self._position)

    def peek(self) -> StateT:
        """The state as last read, possibly behind the store; enough to read its size."""
        return self._state

    @property
    def generation(self) -> str:
        """The generation of the journal that was read last, as scripts compute it."""
        return generation(self._first)

    def change(self, decide: Callable[[StateT], Change], *, scope: str, request_id: str = "") -> Reply:
        """Decide on a change of the current state and append it; a lost race is decided again.

        decide: must not alter the state; the fold applies what is appended. It may be called on a state that
            is behind the store; that decision is then discarded.
        request_id: a repeat returns the first answer and changes nothing; "" is never a repeat.
        Raises what `decide` raises, RequestIdReusedError, and ConcurrencyError after many lost races.
        """
        return self._changed(decide, lambda reply: reply, scope, request_id)

    def change_and_view(
        self,
        decide: Callable[[StateT], Change],
        look: Callable[[Reply, StateT, int], ViewT],
        *,
        scope: str,
        request_id: str = "",
    ) -> ViewT:
        """Like `change`; returns `look` of the reply, the state after it and its number of events.

        One round trip if no other process wrote since this one last read.
        """

        def then(reply: Reply) -> ViewT:
            self._require_events()
            return look(reply, self._state, self._position)

        return self._changed(decide, then, scope, request_id)

    def change_together(
        self,
        decide: Callable[[StateT, int], Change],
        look: Callable[[Reply, StateT, int], ViewT],
        *,
        scope: str,
        request_id: str = "",
    ) -> ViewT:
        """Like `change_and_view`; threads that arrive while another appends share the next round trip.

        decide: also takes the number of events before its own; the state may not hold all of them yet. It
            decides on an event each time, which must be valid after any other event of this scope.
        """
        request_id = request_id or uuid.uuid4().hex
        views: list[ViewT] = []
        content = request_content.current()
        turn = _Turn(decide, lambda *seen: views.append(look(*seen)), scope, request_id, content)
        self._wait_and_serve(turn)
        if views:
            return views[0]
        # behind the store, repeated or refused: needs a round trip of its own
        return self.change_and_view(
            lambda state: decide(state, self._position), look, scope=scope, request_id=request_id
        )

    def _changed(
        self,
        decide: Callable[[StateT], Change],
        then: Callable[[Reply], ViewT],
        scope: str,
        request_id: str,
    ) -> ViewT:
        request_id = request_id or uuid.uuid4().hex
        for _ in range(ATTEMPTS):
            with self._lock:
                reply = self._attempt(decide, scope, request_id)
                if reply is not None:
                    return then(reply)
        raise ConcurrencyError("too many concurrent writers on this journal; repeat the call")

    def _attempt(self, decide: Callable[[StateT], Change], scope: str, request_id: str) -> Reply | None:
        """Decide on the state in memory and append; None if that state was behind the store."""
        try:
            if not self._position:
                self._catch_up()
            change = decide(self._state)
        except SpottedError:
            # the cause may be an earlier call of this request, or events not read yet
            first_answer = self.journal.answered(scope, request_id)
            self._read_on()
            if first_answer is not None:
                return Reply(first_answer, repeated=True)
            self._require_events()
            change = decide(self._state)
        content = request_content.current()
        result = self._offer([Offer(change, scope, request_id, content)])
        if result.news is None:
            return Reply(change.answer, repeated=False)
        kept = result.answers[0]
        return None if kept is None else Reply(kept.to(content, request_id), repeated=True)

    def _wait_and_serve(self, turn: _Turn[StateT]) -> None:
        """Return once a thread, this one or another, has served the turn and all others then waiting."""
        with self._turns:
            self._waiting.append(turn)
            self._turns.wait_for(lambda: turn.served or not self._serving)
            if turn.served:
                return
            self._serving = True
            turns, self._waiting = self._waiting, []
        try:
            with self._lock:
                any(self._serve(turns) for _ in range(ATTEMPTS))
        finally:
            with self._turns:
                self._serving = False
                for each in turns:
                    each.served = True
                self._turns.notify_all()

    def _serve(self, turns: Sequence[_Turn[StateT]]) -> bool:
        """Append the changes that can be decided on the state in memory; False after a lost race."""
        offers: dict[tuple[str, str], Offer] = {}
        finish = []
        for turn in turns if self._position else ():
            key = (turn.scope, turn.request_id)
            # a repeat that arrives with its first call is answered after it
            if key not in offers:
                with suppress(SpottedError):
                    change = turn.decide(self._state, self._position + len(offers))
                    offers[key] = Offer(change, *key, turn.content)
                    finish.append(turn.finish)
        if not offers:
            return True
        result = self._offer(list(offers.values()))
        if result.news is None:
            for settle, offer in zip(finish, offers.values(), strict=True):
                settle(Reply(offer.change.answer, repeated=False), self._state, self._position)
        return result.news is None or result.answers.count(None) < len(offers)

    def _offer(self, offers: Sequence[Offer]) -> OfferResult:
        """Append and apply the offers, or apply what is new in the store."""
        result = self.journal.offer(offers, folded=self._position, first=self._first, last=self._last)
        if result.news is None:
            for entry in result.appended:
                self._take(entry)
        else:
            # another writer was first, or an earlier call of one of these requests
            metrics.JOURNAL_RACES.inc()
            if self._take_in(result.news):
                self._read_on()
        return result

    def _catch_up(self) -> None:
        self._read_on()
        self._require_events()

    def _require_events(self) -> None:
        if not self._position:
            raise self._missing()

    def _read_on(self) -> None:
        """Apply all events not read yet, page by page."""
        logged_s = time.monotonic()
        while self._take_in(news := self.journal.news(self._position, self._first, self._last)):
            if time.monotonic() - logged_s > LOG_EVERY_S:
                logged_s = time.monotonic()
                logger.info("reading %s: %d of %d events", self.journal.key, self._position, news.length)

    def _take_in(self, news: News) -> bool:
        """Apply a page; returns whether more is left to read."""
        if news.start != self._position:
            self._restart()
        for entry in news.entries:
            self._take(entry)
        if news.lost and self._position == news.length:
            with self._reporting():
                raise self.journal.lost(self._position, news.lost)
        return self._position < news.length

    def _restart(self) -> None:
        self._state, self._position, self._first, self._last = self._start(), 0, b"", b""

    def _take(self, entry: bytes) -> None:
        """Apply an entry as stored; if it is damaged, the state stays that of the entries before it."""
        with self._reporting():
            event = self.journal.opened(self._position, entry)
            try:
                self._state.apply(event)
            except (DecodeError, LookupError, ValueError, SpottedError) as error:
                fault = f"it does not follow from those before: {type(error).__name__}"
                damaged = self.journal.damaged(self._position, fault)
                # a part of it may have been applied
                self._restart()
                raise damaged from error
        self._first, self._last = self._first or entry, entry
        self._position += 1

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        """Log damage at this position once; each call meets it again."""
        position = self._position
        try:
            yield
        except SurveyDamagedError as error:
            if self._reported != position:
                # with the trace of what could not be applied, if there is one
                logger.exception("%s", error, exc_info=error.__cause__)  # noqa: TRY401 - it names the remedy
            self._reported = position
            raise
