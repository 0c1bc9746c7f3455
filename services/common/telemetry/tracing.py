"""Traces of calls across the services: nothing at all unless SPOTTED_TRACES names where they go.

OpenTelemetry comes with the extra `otel` and is imported when it is needed. Attributes never hold
coordinates, images, vectors, tokens or ids of anything.
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
    """Send spans of this process to an OTLP endpoint over gRPC; "" keeps traces off.

    endpoint: such as http://127.0.0.1:4317; https for TLS.
    Raises PreconditionError where the extra `otel` is not installed.
    """
    if not endpoint:
        return
    if importlib.util.find_spec("opentelemetry") is None:
        raise PreconditionError(
            f"SPOTTED_TRACES is {endpoint!r}, and OpenTelemetry is not installed; install the extra `otel` "
            "(pip install 'spotted[otel]'), or leave SPOTTED_TRACES empty"
        )
    # not needed by a service that traces nothing
    from services.common.telemetry.otlp import OtlpSpans  # noqa: PLC0415 - the extra may be absent

    _on.spans = OtlpSpans(service, endpoint)


def stop() -> None:
    """Send what is left, and trace nothing more."""
    spans, _on.spans = _on.spans, None
    if spans is not None:
        spans.stop()


def begin(service: str, method: str, headers: Headers) -> End | None:
    """Begin the span of an rpc in the present context; what ends it, None where traces are off."""
    return _on.spans.begin(service, method, headers) if _on.spans else None


def span(name: str) -> AbstractContextManager[object]:
    """A span under the present one."""
    return _on.spans.span(name) if _on.spans else nullcontext()


def record(stages: Sequence[tuple[str, float]]) -> None:
    """Spans of stages that came one after the other and end now: of each its name and its seconds."""
    if _on.spans is None:
        return
    started_s = time.time() - sum(seconds for _, seconds in stages)
    for name, seconds in stages:
        _on.spans.record(name, started_s, started_s + seconds)
        started_s += seconds


def trace_id() -> str:
    """The id of the present trace, "" where there is none."""
    return _on.spans.trace_id() if _on.spans else ""


def outgoing() -> list[tuple[str, str]]:
    """Metadata that tells another service of the call and the span that it is asked in."""
    request_id = logs.current().request_id
    told = [(logs.REQUEST_ID, request_id)] if request_id else []
    return told + (_on.spans.headers() if _on.spans else [])


@contextmanager
def continued(headers: Headers, method: str) -> Iterator[None]:
    """What is done in this process as part of a call of another, whose `outgoing` these headers are."""
    before = logs.current()
    request_id = next((value for name, value in headers if name == logs.REQUEST_ID), "")
    logs.enter(logs.Call(logs.sane(request_id), method))
    try:
        with _on.spans.continued(headers) if _on.spans else nullcontext():
            yield
    finally:
        logs.enter(before)


def carried(work: Callable[P, R]) -> Callable[P, R]:
    """Work that belongs to the present call and span in whatever thread it is done."""
    context = copy_context()

    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        return context.run(work, *args, **kwargs)

    return run
