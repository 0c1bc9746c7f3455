# ruff: noqa: INP001 - a script of the images, in no package
"""Exit 0 if the health port of this container's service reports SERVING; for engines without gRPC probes."""

from __future__ import annotations

import os
import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

TIMEOUT_S = 2.0


def main() -> None:
    """Ask SPOTTED_HEALTH_LISTEN on loopback whether the service is ready."""
    port = os.environ["SPOTTED_HEALTH_LISTEN"].rsplit(":", 1)[1]
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        try:
            check = health_pb2_grpc.HealthStub(channel).Check  # type: ignore[attr-defined] # not in the stubs
            answer = check(health_pb2.HealthCheckRequest(service="readiness"), timeout=TIMEOUT_S)
        except grpc.RpcError as error:
            sys.exit(f"the health port {port} does not answer: {error}")
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        sys.exit("not ready")


if __name__ == "__main__":
    main()
