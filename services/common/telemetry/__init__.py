"""Metrics, logs and traces for operators.

metrics  every Prometheus metric
logs     log lines with the request id of their call
tracing  traces across services, off unless configured
spans    the interface of a span recorder
otlp     spans sent to an OpenTelemetry collector (extra `otel`)
"""

from services.common.telemetry.metrics import RpcMetrics

__all__ = ["RpcMetrics"]
