"""Long-running operations in the store: their progress outlives any process."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from services.common.store import keys
from services.common.store.store import Store
from spotted import messages
from spotted.errors import NotFoundError
from spotted.v1 import operations_pb2 as pb

# a running operation tells of itself every few seconds; one that was silent for so long is dead
SILENT_S = 60.0


class Operations:
    """The operations of an organisation, "" where tokens are off. now: UTC seconds since 1970."""

    def __init__(self, store: Store, *, now: Callable[[], float], organisation: str = "") -> None:
        self._store = store
        self._now = now
        self._organisation = organisation

    def of(self, organisation: str) -> Operations:
        """Those of another organisation."""
        return Operations(self._store, now=self._now, organisation=organisation)

    def begin(self, message: str) -> pb.Operation:
        """A new running operation."""
        operation = pb.Operation(
            operation_id=uuid.uuid4().hex,
            state=pb.OPERATION_STATE_RUNNING,
            message=message,
            start_time=messages.timestamp(self._now()),
        )
        self.put(operation)
        return operation

    def put(self, operation: pb.Operation) -> None:
        """Store an operation as it stands now."""
        update = messages.timestamp(self._now())
        if update is not None:
            operation.update_time.CopyFrom(update)
        self._store.put(
            keys.operation(self._organisation, operation.operation_id),
            operation.SerializeToString(),
            ttl_s=keys.OPERATION_TTL_S,
        )

    def get(self, operation_id: str) -> pb.Operation:
        """An operation; one whose worker fell silent is failed. Raises NotFoundError."""
        content = self._store.get(keys.operation(self._organisation, operation_id))
        if content is None:
            raise NotFoundError(f"operation {operation_id!r} does not exist, or ended over thirty days ago")
        operation = pb.Operation.FromString(content)
        silent_s = self._now() - messages.seconds(operation.update_time)
        if operation.state == pb.OPERATION_STATE_RUNNING and silent_s > SILENT_S:
            self.fail(operation, f"its worker was not heard of for {silent_s:.0f} s; start it again")
        return operation

    def fail(self, operation: pb.Operation, reason: str) -> None:
        """End an operation without a result."""
        operation.state, operation.message = pb.OPERATION_STATE_FAILED, reason
        self.put(operation)

    def cancel(self, operation_id: str) -> pb.Operation:
        """Ask a running operation to stop. Raises NotFoundError."""
        operation = self.get(operation_id)
        if operation.state == pb.OPERATION_STATE_RUNNING:
            self._store.put(
                keys.operation_cancel(self._organisation, operation_id), b"", ttl_s=keys.OPERATION_TTL_S
            )
        return operation

    def cancel_asked(self, operation_id: str) -> bool:
        """Whether an operation was asked to stop."""
        return self._store.get(keys.operation_cancel(self._organisation, operation_id)) is not None
