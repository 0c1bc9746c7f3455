"""Whether a process answers."""

from __future__ import annotations

import http.client
import socket

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

PAGE_HEALTH = "/healthz"


def accepts(address: str, *, timeout_s: float = 1.0) -> bool:
    """Whether a process accepts connections."""
    host, _, port = address.rpartition(":")
    with socket.socket() as probe:
        probe.settimeout(timeout_s)
        return probe.connect_ex((host, int(port))) == 0


def serving(address: str, *, timeout_s: float = 1.0) -> bool:
    """Whether a service reports SERVING."""
    with grpc.insecure_channel(address) as channel:
        try:
            check = health_pb2_grpc.HealthStub(channel).Check  # type: ignore[attr-defined] # not in the stubs
            answer = check(health_pb2.HealthCheckRequest(), timeout=timeout_s)
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def shows_page(address: str, *, timeout_s: float = 1.0) -> bool:
    """Whether the review page is served."""
    connection = http.client.HTTPConnection(address, timeout=timeout_s)
    try:
        connection.request("GET", PAGE_HEALTH)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
