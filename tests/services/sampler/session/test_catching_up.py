from __future__ import annotations

import pytest

from services.sampler.session import catching_up
from services.sampler.session.catching_up import RETRY_S, CatchingUp
from spotted.errors import NotFoundError, SpottedError, UnavailableError


class Source:
    """A source that counts how often it is read, and fails on demand."""

    def __init__(self) -> None:
        self.now_s, self.version, self.reads = 100.0, 0, 0
        self.error: SpottedError | None = None
        self._catching_up = CatchingUp("the source", clock=lambda: self.now_s)

    def reads_of(self, *session_ids: str) -> int:
        """How often sessions of one survey read it."""
        before = self.reads
        for session_id in session_ids:
            key = "survey", session_id
            if self._catching_up.is_due(key, (self.version,)):
                self._catching_up.read(key, self._read, lambda: (self.version,))
        return self.reads - before

    def _read(self) -> None:
        self.reads += 1
        if self.error is not None:
            raise self.error


def test_a_source_is_read_when_it_changed_and_once() -> None:
    source = Source()
    assert source.reads_of("a", "b", "a", "b") == 2
    source.version = 1
    assert source.reads_of("a", "a", "b") == 2


def test_after_a_failure_all_sessions_of_the_survey_wait(caplog: pytest.LogCaptureFixture) -> None:
    source = Source()
    source.error = UnavailableError("no answer; start the scorer")
    assert source.reads_of("a", "a", "b") == 1
    assert caplog.messages == ["cannot read the source of survey survey: no answer; start the scorer"]
    source.now_s += RETRY_S
    source.error = None
    assert source.reads_of("a", "a", "b") == 2


def test_a_survey_that_was_deleted_meanwhile_is_read_again_at_once() -> None:
    source = Source()
    source.error = NotFoundError("gone")
    assert source.reads_of("a", "a") == 2


def test_only_some_sessions_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catching_up, "MOST", 2)
    source = Source()
    assert source.reads_of("a", "b", "a", "b") == 2
    assert source.reads_of("c", "c", "a") == 2
