from __future__ import annotations

import urllib.request

from prometheus_client import REGISTRY

from services.common import metrics
from spotted import __version__, local


def count(method: str, status: str) -> float:
    labels = {"method": method, "status": status}
    return REGISTRY.get_sample_value("spotted_rpc_duration_seconds_count", labels) or 0.0


def test_an_rpc_is_counted_by_method_and_status() -> None:
    before = count("GetSurvey", "NOT_FOUND")
    metrics.observe_rpc("GetSurvey", "NOT_FOUND", 0.003)
    assert count("GetSurvey", "NOT_FOUND") == before + 1


def test_metrics_are_served_over_http_with_the_version() -> None:
    port = local.free_port()
    server, thread = metrics.serve(port, "127.0.0.1")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    server.shutdown()
    server.server_close()
    thread.join()
    assert f'spotted_build_info{{version="{__version__}"}} 1.0' in text
