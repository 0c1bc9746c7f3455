from __future__ import annotations

import time

from services.common.store import keys
from services.common.store.operations import Operations
from services.common.store.store import Store
from services.common.survey.survey_operations import RunningOperation
from services.embedder.training.__main__ import alive
from tests.waiting import until


def test_an_operation_is_updated_while_its_process_still_starts(store: Store, survey_id: str) -> None:
    operations = Operations(store, now=time.time)
    started = operations.begin("waiting for its process to start")
    first = started.update_time.ToNanoseconds()

    def beaten() -> bool:
        return operations.get(started.operation_id).update_time.ToNanoseconds() > first

    running = RunningOperation(store, started, keys.training(survey_id, "first"), survey_id)
    with alive(running, beat_s=0.01):
        until(beaten, "an update of the operation")
        first = operations.get(started.operation_id).update_time.ToNanoseconds()
        until(beaten, "another one")
        assert store.get(keys.training(survey_id, "first")) == started.operation_id.encode()
    last = operations.get(started.operation_id)
    assert last.message == "loading torch"
    # after the block the training itself reports, and nothing writes over what it says
    operations.fail(last, "ended")
    assert operations.get(started.operation_id).message == "ended"
