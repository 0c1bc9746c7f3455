from __future__ import annotations

import pytest

from spotted.cli.asking import patience
from spotted.cli.asking.patience import patiently
from spotted.errors import NotFoundError, UnavailableError


class Restarting:
    """A service that does not answer the first calls."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise UnavailableError("nothing answers at [127.0.0.1:7103]")
        return "answer"


@pytest.fixture(autouse=True)
def no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "WAIT_S", 0.0)


def test_a_service_that_is_restarted_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    service = Restarting(3)
    assert patiently(service, doing="storing", kept="Your answer is stored.") == "answer"
    said = capsys.readouterr().err
    assert service.calls == 4
    assert said.count("[127.0.0.1:7103]") == 1
    assert "The service answers again. Your answer is stored." in said


def test_nothing_is_said_if_nothing_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert patiently(Restarting(0), doing="storing", kept="Your answer is stored.") == "answer"
    assert "stored" not in capsys.readouterr().err


def test_other_errors_are_not_waited_for() -> None:
    def missing() -> str:
        raise NotFoundError("gone")

    with pytest.raises(NotFoundError):
        patiently(missing, doing="asking")


def test_who_does_not_wait_reads_what_is_not_known(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*, lost: bool) -> None:
        assert lost
        raise KeyboardInterrupt

    monkeypatch.setattr(patience, "_wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        patiently(Restarting(1), doing="storing", kept="Your answer is stored.")
    assert "Ctrl-C stops" in capsys.readouterr().err
