"""The rpcs of operations: decode, call, encode."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from services.common.access import caller
from services.common.store.operations import Operations
from spotted.v1 import operations_pb2 as pb
from spotted.v1 import operations_pb2_grpc

WATCH_POLL_S = 0.5


class OperationsServicer(operations_pb2_grpc.OperationsServiceServicer):
    """spotted.v1.OperationsService."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    async def GetOperation(self, request: pb.GetOperationRequest, _: object) -> pb.GetOperationResponse:
        """Read an operation."""
        operations = self._operations.of(caller.current_caller().organisation)
        operation = await asyncio.to_thread(operations.get, request.operation_id)
        return pb.GetOperationResponse(operation=operation)

    async def WatchOperation(
        self, request: pb.WatchOperationRequest, _: object
    ) -> AsyncIterator[pb.WatchOperationResponse]:
        """Stream an operation's changes until it is done."""
        operations, sent = self._operations.of(caller.current_caller().organisation), None
        while sent is None or sent.state == pb.OPERATION_STATE_RUNNING:
            operation = await asyncio.to_thread(operations.get, request.operation_id)
            if operation != sent:
                yield pb.WatchOperationResponse(operation=operation)
            sent = operation
            await asyncio.sleep(WATCH_POLL_S)

    async def CancelOperation(
        self, request: pb.CancelOperationRequest, _: object
    ) -> pb.CancelOperationResponse:
        """Ask an operation to stop."""
        operations = self._operations.of(caller.current_caller().organisation)
        operation = await asyncio.to_thread(operations.cancel, request.operation_id)
        return pb.CancelOperationResponse(operation=operation)
