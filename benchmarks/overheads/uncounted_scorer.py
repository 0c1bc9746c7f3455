"""A scorer whose metrics are switched off, to measure their cost."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from services.common import process
from services.scorer.__main__ import run


def nothing(*_: object) -> None:
    """Count nothing."""


if __name__ == "__main__":
    for kind, method in ((Counter, "inc"), (Gauge, "set"), (Histogram, "observe")):
        setattr(kind, method, nothing)
    process.main("scorer", run)
