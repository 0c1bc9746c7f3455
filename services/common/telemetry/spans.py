"""The interface of a span recorder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

# of gRPC metadata: names and values
Headers = Sequence[tuple[str, str | bytes]]
# told the status with which a call ended
End = Callable[[str], None]


class Spans(Protocol):
    """What keeps spans and sends them away."""

    def begin(self, service: str, method: str, headers: Headers) -> End:
        """Begin the span of an rpc that is served, in the present context, and under the caller's."""

    def span(self, name: str) -> AbstractContextManager[object]:
        """A span under the present one."""

    def record(self, name: str, started_s: float, ended_s: float) -> None:
        """A span under the present one that is over already; times as of time.time."""

    def headers(self) -> list[tuple[str, str]]:
        """What tells another service of the present span (W3C trace context)."""

    def continued(self, headers: Headers) -> AbstractContextManager[object]:
        """What is done as part of a span of another process."""

    def trace_id(self) -> str:
        """The id of the present trace, 32 hexadecimal digits; "" where there is none."""

    def stop(self) -> None:
        """Send what is left."""
