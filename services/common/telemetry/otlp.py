"""Sends spans to an OpenTelemetry collector; imported only by tracing.start, since the extra is optional."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import context as contexts
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    SpanKind,
    Status,
    StatusCode,
    format_trace_id,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from services.common.telemetry.spans import End, Headers
from spotted import __version__

# statuses that mean a fault of the server (OpenTelemetry's conventions for gRPC)
FAULTS = frozenset({"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"})
CARRIED = frozenset({"traceparent", "tracestate"})
# limits how long an unreachable collector delays the stop of a service
LAST_EXPORT_S = 5


class OtlpSpans:
    """Sends spans to a collector in batches; OTEL_* variables configure the SDK as usual."""

    def __init__(self, service: str, endpoint: str) -> None:
        resource = Resource.create(
            {"service.namespace": "spotted", "service.name": service, "service.version": __version__}
        )
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        exporter = OTLPSpanExporter(
            endpoint=endpoint, insecure=not endpoint.startswith("https://"), timeout=LAST_EXPORT_S
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("spotted", __version__)
        self._propagator = TraceContextTextMapPropagator()

    def begin(self, service: str, method: str, headers: Headers) -> End:
        """Begin the span of an incoming rpc.

        It remains the current span of the context; gRPC creates one context per call.
        """
        parent = self._propagator.extract(_carrier(headers))
        span = self._tracer.start_span(
            f"{service}/{method}",
            context=parent,
            kind=SpanKind.SERVER,
            attributes={"rpc.system": "grpc", "rpc.service": service, "rpc.method": method},
        )
        contexts.attach(set_span_in_context(span, parent))

        def end(status: str) -> None:
            span.set_attribute("rpc.response.status_code", status)
            if status in FAULTS:
                span.set_status(Status(StatusCode.ERROR))
            span.end()

        return end

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        """A child of the current span; an error sets its status, without the error's message."""
        with self._tracer.start_as_current_span(
            name, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield
            except Exception:
                span.set_status(Status(StatusCode.ERROR))
                raise

    def record(self, name: str, started_s: float, ended_s: float) -> None:
        """A finished child of the current span."""
        self._tracer.start_span(name, start_time=int(started_s * 1e9)).end(int(ended_s * 1e9))

    def headers(self) -> list[tuple[str, str]]:
        """The W3C trace context of the current span."""
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return list(carrier.items())

    @contextmanager
    def continued(self, headers: Headers) -> Iterator[None]:
        """Continue a span of another process."""
        token = contexts.attach(self._propagator.extract(_carrier(headers)))
        try:
            yield
        finally:
            contexts.detach(token)

    def trace_id(self) -> str:
        """The id of the current trace."""
        context = get_current_span().get_span_context()
        return format_trace_id(context.trace_id) if context.is_valid else ""

    def stop(self) -> None:
        """Send the remaining spans."""
        self._provider.shutdown()


def _carrier(headers: Headers) -> dict[str, str]:
    return {name: value for name, value in headers if name in CARRIED and isinstance(value, str)}
