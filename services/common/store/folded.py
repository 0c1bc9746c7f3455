"""What a journal folds into, kept in step with the store with one round trip a change."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from services.common.store.journal import Change, Journal, News, Offer, Outcome
from services.common.telemetry import metrics
from spotted.errors import ConcurrencyError, SpottedError

# a loser is told what it missed and is as quick as the winner the next time; of eight writers that never
# pause, some lose a hundred times
ATTEMPTS = 200
# a long journal tells how far it was read
TOLD_EVERY_S = 2.0

logger = logging.getLogger("spotted")


class State(Protocol):
    """What a journal folds into."""

    def apply(self, entry: bytes) -> None:
        """Take in one event."""


StateT = TypeVar("StateT", bound=State)
ViewT = TypeVar("ViewT")


@dataclass(slots=True, eq=False)
class _Turn(Generic[StateT]):
    """A change that waits to be appended together with others; `finish` is not called where it was not."""

    decide: Callable[[StateT, int], Change]
    finish: Callable[[bytes, StateT, int], None]
    scope: str
    request_id: str
    served: bool = False


class Folded(Generic[StateT]):
    """A state kept in step with its journal, shared by the threads of one process.

    Any process can rebuild it; none owns it. `missing` makes the error raised while there is no event.
    """

    def __init__(
        self, journal: Journal, start: Callable[[], StateT], missing: Callable[[], Exception]
    ) -> None:
        self.journal = journal
        self._start = start
        self._missing = missing
        self._lock = threading.RLock()
        self._state = start()
        self._position = 0
        self._first = b""
        self._last = b""
        self._turns = threading.Condition()
        self._waiting: list[_Turn[StateT]] = []
        self._serving = False

    def view(self, look: Callable[[StateT, int], ViewT]) -> ViewT:
        """What `look` makes of the state after all events in the store, and of their number.

        look: quick, must not alter the state, and must not keep what later events alter.
        """
        with self._lock:
            self._catch_up()
            return look(self._state, self._position)

    def peek(self) -> StateT:
        """The state as it was last seen, which may be behind the store; for a glance at its size."""
        return self._state

    def change(self, decide: Callable[[StateT], Change], *, scope: str, request_id: str = "") -> bytes:
        """Decide on a change of the present state and append it; the loser of a race decides anew.

        decide: must not alter the state, and may be called on a state that is behind the store, whose
            decision then comes to nothing; what it appends is applied by the fold.
        request_id: a repeat returns the first answer and changes nothing; "" is never a repeat.
        Raises what `decide` raises, and ConcurrencyError after many lost races.
        """
        return self._changed(decide, lambda answer: answer, scope, request_id)

    def change_and_view(
        self,
        decide: Callable[[StateT], Change],
        look: Callable[[bytes, StateT, int], ViewT],
        *,
        scope: str,
        request_id: str = "",
    ) -> ViewT:
        """As `change`, and what `look` makes of the answer, the state after it and its number of events.

        One round trip where no other process wrote since this one last looked.
        """

        def then(answer: bytes) -> ViewT:
            self._require_events()
            return look(answer, self._state, self._position)

        return self._changed(decide, then, scope, request_id)

    def change_together(
        self,
        decide: Callable[[StateT, int], Change],
        look: Callable[[bytes, StateT, int], ViewT],
        *,
        scope: str,
        request_id: str = "",
    ) -> ViewT:
        """As `change_and_view`; threads that come while another appends share the next round trip.

        decide: is told the number of events before its own too, some of which the state may not hold yet;
            decides on an event each time, which must stand after any others of this scope.
        """
        request_id = request_id or uuid.uuid4().hex
        views: list[ViewT] = []
        turn = _Turn(decide, lambda *seen: views.append(look(*seen)), scope, request_id)
        self._wait_and_serve(turn)
        if views:
            return views[0]
        # behind the store, repeated or refused: settled alone
        return self.change_and_view(
            lambda state: decide(state, self._position), look, scope=scope, request_id=request_id
        )

    def _changed(
        self,
        decide: Callable[[StateT], Change],
        then: Callable[[bytes], ViewT],
        scope: str,
        request_id: str,
    ) -> ViewT:
        request_id = request_id or uuid.uuid4().hex
        for _ in range(ATTEMPTS):
            with self._lock:
                answer = self._attempt(decide, scope, request_id)
                if answer is not None:
                    return then(answer)
        raise ConcurrencyError("too many writers at once on this journal; repeat the call")

    def _attempt(self, decide: Callable[[StateT], Change], scope: str, request_id: str) -> bytes | None:
        """Decide on the state as it is known here and append; the answer, or None where it was behind."""
        try:
            if not self._position:
                self._catch_up()
            change = decide(self._state)
        except SpottedError:
            # an earlier call of this request, or events not read yet, may be what stands against it
            answer = self.journal.answered(scope, request_id)
            self._read_on()
            if answer is not None:
                return answer
            self._require_events()
            change = decide(self._state)
        outcome = self._offer([Offer(change, scope, request_id)])
        return outcome.answers[0] if outcome.news else change.answer

    def _wait_and_serve(self, turn: _Turn[StateT]) -> None:
        """Return once a thread, this or another, has served the turn with all that waited beside it."""
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
        """Append the changes that can be decided on the state as it is known; False after a lost race."""
        offers: dict[tuple[str, str], Offer] = {}
        finish = []
        for turn in turns if self._position else ():
            key = (turn.scope, turn.request_id)
            # a repeat beside its first call is settled after it
            if key not in offers:
                with suppress(SpottedError):
                    offers[key] = Offer(turn.decide(self._state, self._position + len(offers)), *key)
                    finish.append(turn.finish)
        if not offers:
            return True
        outcome = self._offer(list(offers.values()))
        if outcome.news is None:
            for settle, offer in zip(finish, offers.values(), strict=True):
                settle(offer.change.answer, self._state, self._position)
        return outcome.news is None or outcome.answers.count(None) < len(offers)

    def _offer(self, offers: Sequence[Offer]) -> Outcome:
        """Append and fold what was appended, or fold what is new in the store."""
        outcome = self.journal.offer(offers, folded=self._position, first=self._first, last=self._last)
        if outcome.news is None:
            for offer in offers:
                if offer.change.entry:
                    self._take(offer.change.entry)
        else:
            # another writer came first, or this request did
            metrics.JOURNAL_RACES.inc()
            if self._take_in(outcome.news):
                self._read_on()
        return outcome

    def _catch_up(self) -> None:
        self._read_on()
        self._require_events()

    def _require_events(self) -> None:
        if not self._position:
            raise self._missing()

    def _read_on(self) -> None:
        """Take in all events, by pages."""
        told_s = time.monotonic()
        while self._take_in(news := self.journal.news(self._position, self._first, self._last)):
            if time.monotonic() - told_s > TOLD_EVERY_S:
                told_s = time.monotonic()
                logger.info("reading %s: %d of %d events", self.journal.key, self._position, news.length)

    def _take_in(self, news: News) -> bool:
        """Take in a page; whether more is left to read."""
        if news.start != self._position:
            self._state, self._position, self._first = self._start(), 0, b""
        for entry in news.entries:
            self._take(entry)
        return self._position < news.length

    def _take(self, entry: bytes) -> None:
        self._state.apply(entry)
        self._first = self._first or entry
        self._last = entry
        self._position += 1
