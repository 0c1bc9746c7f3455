from __future__ import annotations

import time

import pytest

from services.common.store import keys
from services.common.store.operations import Operations
from services.common.store.store import Store
from services.common.survey import survey_operations
from services.common.survey.existence import Existence
from services.common.survey.survey_operations import (
    Finish,
    OperationCancelled,
    OperationKind,
    RunningOperation,
    SurveyOperations,
)
from spotted.errors import NotFoundError, PreconditionError
from spotted.v1 import operations_pb2 as pb

KIND = OperationKind("Count", "counting", keys.training)
FAILED = "it failed; see the log"


def counting(store: Store, survey_id: str, request_id: str = "") -> RunningOperation:
    return SurveyOperations(store, KIND).ask(survey_id, request_id).begin("waiting")


def stored(store: Store, running: RunningOperation) -> pb.Operation:
    return Operations(store, now=time.time).get(running.operation.operation_id)


def create(store: Store, survey_id: str) -> None:
    Existence(store).create_survey(survey_id, survey_id.encode(), b"", "")


def test_a_second_operation_waits_for_the_end_of_the_first(store: Store, survey_id: str) -> None:
    with pytest.raises(NotFoundError):
        SurveyOperations(store, KIND).ask(survey_id, "")
    create(store, survey_id)
    first = counting(store, survey_id)
    with pytest.raises(PreconditionError, match="is already running; wait for it, or cancel it"):
        counting(store, survey_id)
    first.run(lambda: Finish("7", "counted to 7"), failed=FAILED)
    done = stored(store, first)
    assert (done.state, done.result, done.message, done.progress) == (
        pb.OPERATION_STATE_SUCCEEDED,
        "7",
        "counted to 7",
        1.0,
    )
    counting(store, survey_id)


def test_a_repeat_of_a_request_gets_the_first_answer_also_when_it_has_ended(
    store: Store, survey_id: str
) -> None:
    create(store, survey_id)
    operations = SurveyOperations(store, KIND)
    assert operations.ask(survey_id, "r").first() is None
    running = counting(store, survey_id, "r")
    answer = running.operation.SerializeToString()
    running.run(lambda: Finish("7", ""), failed=FAILED)
    again = operations.ask(survey_id, "r").first()
    assert again is not None
    assert again.SerializeToString() == answer
    assert operations.ask(survey_id, "other").first() is operations.ask(survey_id, "").first() is None


def test_reports_are_stored_and_find_a_cancellation(
    store: Store, survey_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(store, survey_id)
    running = counting(store, survey_id)
    assert running.due
    running.report(0.5, "3 of 6", {"loss": 2.0})
    half = stored(store, running)
    assert (half.progress, half.message, dict(half.metrics)) == (0.5, "3 of 6", {"loss": 2.0})
    assert not running.due
    monkeypatch.setattr(survey_operations, "REPORT_EVERY_S", 0.0)
    assert running.due
    running.report(1.0, "6 of 6")
    assert stored(store, running).progress < 1.0

    def cancelled() -> Finish:
        Operations(store, now=time.time).cancel(running.operation.operation_id)
        running.report(0.9, "")
        raise AssertionError

    running.run(cancelled, cancelled="cancelled; the rest is kept", failed=FAILED)
    done = stored(store, running)
    assert (done.state, done.message) == (pb.OPERATION_STATE_CANCELLED, "cancelled; the rest is kept")
    with pytest.raises(OperationCancelled):
        running.report(1.0, "")


@pytest.mark.parametrize(
    ("error", "message"),
    [(PreconditionError("no pairs"), "no pairs"), (ValueError("secret"), FAILED)],
    ids=["error for the caller", "defect"],
)
def test_an_error_ends_the_operation_and_frees_the_survey(
    store: Store, survey_id: str, error: Exception, message: str
) -> None:
    create(store, survey_id)
    running = counting(store, survey_id)

    def fail() -> Finish:
        raise error

    running.run(fail, failed=FAILED)
    assert (stored(store, running).state, stored(store, running).message) == (
        pb.OPERATION_STATE_FAILED,
        message,
    )
    counting(store, survey_id).fail("its process ended")


def test_an_operation_whose_mark_expired_leaves_that_of_the_next(store: Store, survey_id: str) -> None:
    create(store, survey_id)
    slow = counting(store, survey_id)
    mark = keys.training(survey_id, Existence(store).generation(survey_id))
    store.delete(mark)
    following = counting(store, survey_id)
    slow.run(lambda: Finish("", ""), failed=FAILED)
    assert store.get(mark) == following.operation.operation_id.encode()
