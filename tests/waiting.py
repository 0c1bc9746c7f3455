"""Waiting in tests: for a condition with a generous limit, never for a fixed time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

SeenT = TypeVar("SeenT")

# limit of a start, a call or a condition: far more than an idle machine needs, so that a busy one never fails
PATIENCE_S = 300.0
POLL_S = 0.01


def until(condition: Callable[[], SeenT], what: str, *, patience_s: float = PATIENCE_S) -> SeenT:
    """Poll a condition and return its first true value. Raises AssertionError naming what did not happen."""
    ends_s = time.monotonic() + patience_s
    while not (seen := condition()):
        assert time.monotonic() < ends_s, f"not within {patience_s:g} s: {what}"
        time.sleep(POLL_S)
    return seen
