"""The interface of a span recorder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

# names and values of gRPC metadata
Headers = Sequence[tuple[str, str | bytes]]
# called with the status of a finished call
End = Callable[[str], None]


class Spans(Protocol):
    """Records spans and exports them."""

    def begin(self, service: str, method: str, headers: Headers) -> End:
        """Begin the span of an incoming rpc in the current context, as a child of the caller's span."""

    def span(self, name: str) -> AbstractContextManager[object]:
        """A child of the current span."""

    def record(self, name: str, started_s: float, ended_s: float) -> None:
        """A finished child of the current span; times are those of time.time."""

    def headers(self) -> list[tuple[str, str]]:
        """Metadata that propagates the current span to another service (W3C trace context)."""

    def continued(self, headers: Headers) -> AbstractContextManager[object]:
        """Continue a span of another process."""

    def trace_id(self) -> str:
        """The id of the current trace, 32 hexadecimal digits; "" without one."""

    def stop(self) -> None:
        """Export the remaining spans."""
