"""Waiting for services that were restarted, in the middle of a question."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from spotted.console import err
from spotted.errors import DeadlineError, UnavailableError

ResultT = TypeVar("ResultT")
WAIT_S = 2.0


def patiently(call: Callable[[], ResultT], *, doing: str, kept: str = "") -> ResultT:
    """The result of a call that is repeated while its service does not answer; Ctrl-C ends the wait.

    doing: what takes long, shown beside a spinner. kept: said when a write was answered after a wait.
    """
    waited = False
    while True:
        try:
            with err.status("waiting for the service" if waited else doing):
                result = call()
        except (UnavailableError, DeadlineError) as error:
            if not waited:
                err.print(f"{error}\nWaiting until it answers; Ctrl-C stops.", markup=False, soft_wrap=True)
            waited = True
            _wait(lost=bool(kept))
            continue
        if waited:
            err.print(f"The service answers again. {kept}".strip(), markup=False)
        return result


def _wait(*, lost: bool) -> None:
    """Wait a moment. lost: whether an answer may be lost if the person does not wait."""
    try:
        time.sleep(WAIT_S)
    except KeyboardInterrupt:
        if lost:
            err.print("It is not known whether your answer was stored; if it was not, you are asked again.")
        raise
