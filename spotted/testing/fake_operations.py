"""Operations of a fake that are over as soon as they are begun."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from spotted.errors import NotFoundError
from spotted.testing.server import Replies
from spotted.v1 import operations_pb2 as pb


class FakeOperations:
    """Operations in memory.

    >>> operations = FakeOperations()
    >>> ended = operations.end("3 pairs matched", result="3")
    >>> operations.get(ended.operation_id).result
    '3'
    """

    def __init__(self) -> None:
        self._ended: dict[str, pb.Operation] = {}

    def replies(self) -> Replies:
        """The rpcs that they answer, by name."""
        return {"GetOperation": self._get, "WatchOperation": self._watch}

    def end(self, message: str, *, result: str) -> pb.Operation:
        """A new operation that has succeeded."""
        operation = pb.Operation(
            operation_id=uuid.uuid4().hex,
            state=pb.OPERATION_STATE_SUCCEEDED,
            progress=1.0,
            message=message,
            result=result,
        )
        self._ended[operation.operation_id] = operation
        return operation

    def get(self, operation_id: str) -> pb.Operation:
        """An operation by its id. Raises NotFoundError."""
        if operation_id not in self._ended:
            raise NotFoundError(f"operation {operation_id!r} does not exist; begin it again")
        return self._ended[operation_id]

    def _get(self, request: pb.GetOperationRequest) -> pb.GetOperationResponse:
        return pb.GetOperationResponse(operation=self.get(request.operation_id))

    def _watch(self, request: pb.WatchOperationRequest) -> Iterator[pb.WatchOperationResponse]:
        yield pb.WatchOperationResponse(operation=self.get(request.operation_id))
