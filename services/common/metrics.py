"""Prometheus metrics that all services share."""

from __future__ import annotations

from threading import Thread
from wsgiref.simple_server import WSGIServer

from prometheus_client import Histogram, Info, start_http_server

from spotted import __version__

# bounds of gRPC's own server metrics (gRFC A66), thinned to the decades that matter here
_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)

_RPC = Histogram(
    "spotted_rpc_duration_seconds",
    "Time from arrival to the last answer.",
    ("method", "status"),
    buckets=_SECONDS,
)
_BUILD = Info("spotted_build", "Version of this process.")


def observe_rpc(method: str, status: str, seconds: float) -> None:
    """Count one rpc and its duration."""
    _RPC.labels(method, status).observe(seconds)


def serve(port: int, host: str) -> tuple[WSGIServer, Thread]:
    """Serve the metrics over HTTP; answers the server and its thread."""
    _BUILD.info({"version": __version__})
    return start_http_server(port, addr=host)
