"""Traces of calls across the services; off unless SPOTTED_TRACES is set to an endpoint.

OpenTelemetry comes with the extra `otel` and is imported only when needed. Attributes never contain
coordinates, images, vectors, tokens or ids.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import copy_context
from typing import ParamSpec, TypeVar

from services.common.telemetry import logs
from services.common.telemetry.spans import End, Headers, Spans
from spotted.errors import PreconditionError

P = ParamSpec("P")
R = TypeVar("R")


class _Switch:
    spans: Spans | None = None


_on = _Switch()


def start(service: str, endpoint: str) -> None:
    """Send spans of this process to an OTLP endpoint over gRPC; "" leaves traces off.

    endpoint: e.g. http://127.0.0.1:4317; https for TLS.
    Raises PreconditionError if the extra `otel` is not installed.
    """
    if not endpoint:
        return
    if importlib.util.find_spec("opentelemetry") is None:
        raise PreconditionError(
            f"SPOTTED_TRACES is {endpoint!r}, but OpenTelemetry is not installed; install the extra `otel` "
            "(pip install 'spotted[otel]'), or leave SPOTTED_TRACES empty"
        )
    # only needed with traces on
    from services.common.telemetry.otlp import OtlpSpans  # noqa: PLC0415 - the extra may be absent

    _on.spans = OtlpSpans(service, endpoint)


def stop() -> None:
    """Send the remaining spans and turn traces off."""
    spans, _on.spans = _on.spans, None
    if spans is not None:
        spans.stop()


def begin(service: str, method: str, headers: Headers) -> End | None:
    """Begin the span of an rpc in the current context; returns its end function, None with traces off."""
    return _on.spans.begin(service, method, headers) if _on.spans else None


def span(name: str) -> AbstractContextManager[object]:
    """A child of the current span."""
    return _on.spans.span(name) if _on.spans else nullcontext()


def record(stages: Sequence[tuple[str, float]]) -> None:
    """Record consecutive stages that end now, each by its name and duration in seconds."""
    if _on.spans is None:
        return
    started_s = time.time() - sum(seconds for _, seconds in stages)
    for name, seconds in stages:
        _on.spans.record(name, started_s, started_s + seconds)
        started_s += seconds


def trace_id() -> str:
    """The id of the current trace, "" without one."""
    return _on.spans.trace_id() if _on.spans else ""


def outgoing() -> list[tuple[str, str]]:
    """Metadata that propagates the current call and span to another service."""
    request_id = logs.current().request_id
    metadata = [(logs.REQUEST_ID, request_id)] if request_id else []
    return metadata + (_on.spans.headers() if _on.spans else [])


@contextmanager
def continued(headers: Headers, method: str) -> Iterator[None]:
    """Continue a call of another process in this one; headers: what `outgoing` returned there."""
    before = logs.current()
    request_id = next((value for name, value in headers if name == logs.REQUEST_ID), "")
    logs.enter(logs.Call(logs.sane(request_id), method))
    try:
        with _on.spans.continued(headers) if _on.spans else nullcontext():
            yield
    finally:
        logs.enter(before)


def carried(work: Callable[P, R]) -> Callable[P, R]:
    """The function bound to the current call and span, in whichever thread it runs."""
    context = copy_context()

    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        return context.run(work, *args, **kwargs)

    return run
