from __future__ import annotations

import pytest

from services.common.store import keys
from services.common.store.operations import SILENT_S, Operations
from services.common.store.store import Store
from spotted.errors import DamagedError, NotFoundError
from spotted.v1 import operations_pb2 as pb
from tests.services.journal_entries import break_value


class Clock:
    """UTC seconds that a test moves."""

    def __init__(self) -> None:
        self.now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


def test_progress_outlives_the_process_that_reported_it(store: Store) -> None:
    clock = Clock()
    operation = Operations(store, now=clock).begin("waiting")
    operation.progress, operation.message = 0.5, "half"
    Operations(store, now=clock).put(operation)
    kept = Operations(store, now=clock).get(operation.operation_id)
    assert (kept.progress, kept.message, kept.state) == (0.5, "half", pb.OPERATION_STATE_RUNNING)


def test_a_worker_that_fell_silent_has_failed_and_stays_so(store: Store) -> None:
    clock = Clock()
    operations = Operations(store, now=clock)
    operation = operations.begin("at work")
    clock.now_s += SILENT_S
    assert operations.get(operation.operation_id).state == pb.OPERATION_STATE_RUNNING
    clock.now_s += 1
    failed = operations.get(operation.operation_id)
    assert failed.state == pb.OPERATION_STATE_FAILED
    assert "has not reported for 61 s" in failed.message
    assert operations.get(operation.operation_id) == failed


def test_cancellation_is_asked_of_running_operations_only(store: Store) -> None:
    operations = Operations(store, now=Clock())
    running, done = operations.begin("at work"), operations.begin("done")
    operations.fail(done, "over")
    for operation in (running, done):
        operations.cancel(operation.operation_id)
    assert operations.cancel_asked(running.operation_id)
    assert not operations.cancel_asked(done.operation_id)


def test_an_unknown_operation_is_not_found(store: Store) -> None:
    with pytest.raises(NotFoundError, match="nosuch"):
        Operations(store, now=Clock()).get("nosuch")


def test_a_damaged_operation_is_named_with_the_remedy(store: Store) -> None:
    operations = Operations(store, now=Clock())
    operation = operations.begin("waiting")
    break_value(store, keys.operation("", operation.operation_id))
    with pytest.raises(DamagedError, match=r"operation '.*' is damaged in the store; start its work again"):
        operations.get(operation.operation_id)
