"""Bounds of the calls and answers that callers have open at once, for each token and in all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from services.common.access.caller import Caller
from services.common.memory import ANSWERS_BYTES
from spotted.errors import OverloadedError

# a platform with one token may follow the progress of hundreds of annotators at once
MOST_CALLS = 1000
# answers that are computed ahead, serialised and waiting in gRPC take up to this many times their bytes
COPIES = 4
MOST_STREAM_BYTES = ANSWERS_BYTES
# of the bounds, for one token
SHARE = 0.5
RETRY_AFTER_S = 1.0


@dataclass(slots=True)
class _Use:
    """Calls and bytes in use, by token id and in all."""

    most: int
    things: str
    total: int = 0
    by_token: Counter[str] = field(default_factory=Counter)

    def add(self, caller: Caller, count: int) -> None:
        """Use more, or less if `count` is negative. Raises OverloadedError if that exceeds a bound."""
        own = self.by_token[caller.token_id] + count
        if count > 0:
            # with tokens off, all callers are one
            if caller.token_id and own > SHARE * self.most:
                raise _overloaded(f"this token has {own - count} {self.things} open", int(SHARE * self.most))
            if self.total + count > self.most:
                raise _overloaded(f"this service has {self.total} {self.things} open", self.most)
        self.total += count
        self.by_token[caller.token_id] = own
        if not own:
            del self.by_token[caller.token_id]


class Load:
    """Open calls, and bytes of streams of answers, bounded for each token and in all.

    Used by one event loop.
    """

    def __init__(self, *, most_calls: int = MOST_CALLS, most_stream_bytes: int = MOST_STREAM_BYTES) -> None:
        """Begin. most_calls: calls open at once. most_stream_bytes: memory of all streams of answers."""
        self._calls = _Use(most_calls, "calls")
        self._bytes = _Use(most_stream_bytes, "bytes of answers")

    @contextmanager
    def call(self, caller: Caller) -> Iterator[Answers]:
        """Count a call while the body runs; yields the account of its answers. Raises OverloadedError."""
        self._calls.add(caller, 1)
        answers = Answers(caller, self._bytes)
        _current.set(answers)
        try:
            yield answers
        finally:
            self._calls.add(caller, -1)
            answers.end()


class Answers:
    """The memory of one stream of answers: that of its largest message, as long as the stream is open."""

    def __init__(self, caller: Caller, used: _Use) -> None:
        self._caller = caller
        self._used = used
        self._held = 0
        self._kept = 0

    def keep(self, size: int) -> None:
        """Account for bytes that are kept besides answers until the stream ends. Raises as `sending`."""
        self._used.add(self._caller, size)
        self._kept += size

    def sending(self, size: int) -> None:
        """Account for an answer of `size` bytes. Raises OverloadedError if there is no room for it."""
        more = COPIES * size - self._held
        if more > 0:
            self._used.add(self._caller, more)
            self._held += more

    def end(self) -> None:
        """Give the memory back."""
        self._used.add(self._caller, -self._held - self._kept)
        self._held = self._kept = 0


_current: ContextVar[Answers | None] = ContextVar("answers", default=None)


def keep(size: int) -> None:
    """Account for memory that the current call keeps until it ends. Raises OverloadedError without room."""
    if (answers := _current.get()) is not None:
        answers.keep(size)


def _overloaded(used: str, most: int) -> OverloadedError:
    return OverloadedError(
        f"{used}, {most} are allowed at once; read or cancel open streams, or try again in a moment",
        retry_after_s=RETRY_AFTER_S,
    )
