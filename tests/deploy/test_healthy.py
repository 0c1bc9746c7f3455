from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from spotted.local import processes
from tests.deploy.images import DOCKER


@contextmanager
def ready(*, serving: bool) -> Iterator[str]:
    """The address of a health port that says whether it is ready."""
    checks = health.HealthServicer()
    kind = health_pb2.HealthCheckResponse
    checks.set("readiness", kind.SERVING if serving else kind.NOT_SERVING)
    with ThreadPoolExecutor(1) as pool:
        server = grpc.server(pool)
        health_pb2_grpc.add_HealthServicer_to_server(checks, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        yield f"0.0.0.0:{port}"
        server.stop(None).wait()


def checked(address: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(DOCKER / "healthy.py")],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "SPOTTED_HEALTH_LISTEN": address},
    )


@pytest.mark.parametrize(("serving", "status"), [(True, 0), (False, 1)])
def test_a_container_is_healthy_if_its_service_is_ready(*, serving: bool, status: int) -> None:
    with ready(serving=serving) as address:
        done = checked(address)
    assert done.returncode == status
    assert ("not ready" in done.stderr) == (not serving)


def test_a_container_is_not_healthy_if_nothing_answers() -> None:
    done = checked(f"127.0.0.1:{processes.free_port()}")
    assert done.returncode == 1
    assert "does not answer" in done.stderr
