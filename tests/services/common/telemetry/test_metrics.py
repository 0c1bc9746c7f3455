from __future__ import annotations

import socket
import urllib.request

import pytest
from prometheus_client import REGISTRY

from services.common.telemetry import metrics
from spotted import __version__
from spotted.errors import InvalidInputError, StoreUnavailableError, UnavailableError
from spotted.local import processes
from tests.samples import sample
from tests.waiting import PATIENCE_S

# gRFC A66: grpc.server.call.duration
A66_LATENCY_S = """0, 0.00001, 0.00005, 0.0001, 0.0003, 0.0006, 0.0008, 0.001, 0.002, 0.003, 0.004, 0.005,
0.006, 0.008, 0.01, 0.013, 0.016, 0.02, 0.025, 0.03, 0.04, 0.05, 0.065, 0.08, 0.1, 0.13, 0.16, 0.2, 0.25,
0.3, 0.4, 0.5, 0.65, 0.8, 1, 2, 5, 10, 20, 50, 100"""


def test_an_rpc_is_counted_by_its_names_and_status_in_the_buckets_of_a66() -> None:
    labels = {"service": "a.Service", "method": "Method"}
    watched = metrics.rpc(**labels)
    assert metrics.rpc(**labels) is watched
    watched.start()
    watched.finish("NOT_FOUND", 0.003)
    assert sample("spotted_rpc_started_total", **labels) == 1
    bounds = [float(text) for text in A66_LATENCY_S.split(",")]
    counted = [
        sample("spotted_rpc_duration_seconds_bucket", **labels, status="NOT_FOUND", le=str(bound))
        for bound in bounds
    ]
    assert counted == [float(bound >= 0.003) for bound in bounds]


def test_a_round_trip_to_the_store_is_timed_and_counted_if_it_fails() -> None:
    def counted(kind: str) -> tuple[float, float]:
        return (
            sample("spotted_store_duration_seconds_count", kind=kind),
            sample("spotted_store_errors_total", kind=kind),
        )

    before = {kind: counted(kind) for kind in ("read", "write")}
    with metrics.store_command("read"):
        pass
    with pytest.raises(StoreUnavailableError), metrics.store_command("write"):
        raise StoreUnavailableError("gone")
    after = {kind: counted(kind) for kind in ("read", "write")}
    change = {kind: tuple(b - a for a, b in zip(before[kind], after[kind], strict=True)) for kind in before}
    assert change == {"read": (1, 0), "write": (1, 1)}


def test_every_metric_has_the_prefix_a_help_text_and_only_known_labels() -> None:
    ours = [metric for metric in REGISTRY.collect() if metric.name.startswith("spotted")]
    assert len(ours) > 25
    for metric in ours:
        assert metric.documentation.endswith(".")
        labels = {label for s in metric.samples for label in s.labels}
        assert labels <= metrics.LABELS | {"le"}


def test_metrics_are_served_over_http_with_the_version() -> None:
    port = processes.free_port()
    server, thread = metrics.serve(f"127.0.0.1:{port}")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE_S) as answer:
        text = answer.read().decode()
    server.shutdown()
    server.server_close()
    thread.join()
    assert f'spotted_build_info{{version="{__version__}"}} 1.0' in text
    assert "process_resident_memory_bytes" in text


def test_a_taken_port_names_the_variable() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        with pytest.raises(UnavailableError, match=r"cannot serve metrics on .*SPOTTED_METRICS_LISTEN"):
            metrics.serve(f"127.0.0.1:{holder.getsockname()[1]}")


@pytest.mark.parametrize("listen", ["9101", "127.0.0.1:", ":9101", "127.0.0.1:http"])
def test_an_invalid_address_names_the_variable(listen: str) -> None:
    with pytest.raises(InvalidInputError, match="SPOTTED_METRICS_LISTEN"):
        metrics.serve(listen)


def test_a_port_beyond_all_ports_is_refused_in_our_words() -> None:
    with pytest.raises(UnavailableError, match="SPOTTED_METRICS_LISTEN"):
        metrics.serve("127.0.0.1:70000")
