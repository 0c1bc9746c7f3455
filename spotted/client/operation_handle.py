"""One long-running operation: read, follow or cancel it."""

from __future__ import annotations

from collections.abc import Iterator

from spotted.client.connection import Connection
from spotted.client.embedding_messages import operation_info
from spotted.client.values.operations import OperationInfo
from spotted.v1 import operations_pb2


class OperationHandle:
    """An operation, such as the training of a head; it goes on whether or not anyone follows it.

    >>> from spotted.testing import fake_services
    >>> running = operations_pb2.Operation(operation_id="op-1", state=1, progress=0.5)
    >>> reply = operations_pb2.GetOperationResponse(operation=running)
    >>> with fake_services({"GetOperation": lambda request: reply}) as spotted:
    ...     spotted.operation("op-1").info().progress
    0.5
    """

    def __init__(self, connection: Connection, operation_id: str) -> None:
        self.operation_id = operation_id
        self._operations = connection.operations

    def __repr__(self) -> str:
        return f"OperationHandle({self.operation_id!r})"

    def info(self) -> OperationInfo:
        """The operation's present state. Raises NotFoundError."""
        request = operations_pb2.GetOperationRequest(operation_id=self.operation_id)
        return operation_info(self._operations.call(self._operations.stub.GetOperation, request).operation)

    def watch(self) -> Iterator[OperationInfo]:
        """The operation at each change, the last time when it has ended. Raises NotFoundError."""
        request = operations_pb2.WatchOperationRequest(operation_id=self.operation_id)
        for response in self._operations.stream(self._operations.stub.WatchOperation, request):
            yield operation_info(response.operation)

    def cancel(self) -> OperationInfo:
        """Ask the operation to stop; what it has learned is dropped. Raises NotFoundError."""
        request = operations_pb2.CancelOperationRequest(operation_id=self.operation_id)
        return operation_info(self._operations.call(self._operations.stub.CancelOperation, request).operation)
