"""Long-running operations in the store: their progress outlives any process."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from services.common.store import keys
from services.common.store.records import get_record, put_record
from services.common.store.store import Store
from spotted import messages
from spotted.errors import NotFoundError
from spotted.v1 import operations_pb2 as pb

# a running operation is updated every few seconds; without an update for this long, its worker is dead
SILENT_S = 60.0


class Operations:
    """The operations of an organisation, "" if tokens are off. now: UTC seconds since 1970."""

    def __init__(self, store: Store, *, now: Callable[[], float], organisation: str = "") -> None:
        self._store = store
        self._now = now
        self._organisation = organisation

    def of(self, organisation: str) -> Operations:
        """The operations of another organisation."""
        return Operations(self._store, now=self._now, organisation=organisation)

    def begin(self, message: str) -> pb.Operation:
        """Create a running operation."""
        operation = pb.Operation(
            operation_id=uuid.uuid4().hex,
            state=pb.OPERATION_STATE_RUNNING,
            message=message,
            start_time=messages.timestamp(self._now()),
        )
        self.put(operation)
        return operation

    def put(self, operation: pb.Operation) -> None:
        """Store the current state of an operation."""
        update = messages.timestamp(self._now())
        if update is not None:
            operation.update_time.CopyFrom(update)
        key = keys.operation(self._organisation, operation.operation_id)
        put_record(self._store, key, operation, ttl_s=keys.OPERATION_TTL_S)

    def get(self, operation_id: str) -> pb.Operation:
        """Read an operation; it fails if its worker has not updated it in time.

        Raises NotFoundError, DamagedError.
        """
        operation = get_record(
            self._store,
            keys.operation(self._organisation, operation_id),
            pb.Operation,
            named=f"operation {operation_id!r}",
            remedy="start its work again",
        )
        if operation is None:
            raise NotFoundError(
                f"operation {operation_id!r} does not exist, or ended more than thirty days ago"
            )
        silent_s = self._now() - messages.seconds(operation.update_time)
        if operation.state == pb.OPERATION_STATE_RUNNING and silent_s > SILENT_S:
            self.fail(operation, f"its worker has not reported for {silent_s:.0f} s; start it again")
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
        """Whether cancellation of an operation was requested."""
        return self._store.get(keys.operation_cancel(self._organisation, operation_id)) is not None
