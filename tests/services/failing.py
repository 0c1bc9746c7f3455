"""Failures of calls as their callers see them."""

from __future__ import annotations

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status


def failure_of(error: grpc.RpcError) -> tuple[grpc.StatusCode, str, str]:
    """Code, reason and message of a failure."""
    assert isinstance(error, grpc.Call)
    status, info = rpc_status.from_call(error), error_details_pb2.ErrorInfo()
    for detail in status.details if status else ():
        if detail.Is(info.DESCRIPTOR):
            detail.Unpack(info)
            assert info.domain == "spotted"
    return error.code(), info.reason, error.details() or ""
