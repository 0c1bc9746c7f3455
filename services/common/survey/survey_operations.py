"""Operations on a survey of which only one of a kind runs at a time.

A mark in the store keeps a second one out. It belongs to a generation of the survey, so that a survey created
again need not wait for an operation on the one before, and it expires if the process dies that renews it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from services.common.store import keys
from services.common.store.operations import Operations
from services.common.store.request_content import first_answer, keep
from services.common.store.store import Store
from services.common.survey.existence import Existence
from spotted.errors import PreconditionError, SpottedError
from spotted.v1 import operations_pb2 as pb

MARK_TTL_S = 60
REPORT_EVERY_S = 1.0

logger = logging.getLogger("spotted")


class OperationCancelled(Exception):  # noqa: N818 - not an error
    """The operation was asked to stop."""


@dataclass(frozen=True, slots=True)
class OperationKind:
    """A kind of operation of which a survey runs one at a time."""

    name: str
    """Scope of its request ids."""
    noun: str
    """How messages name it."""
    mark: Callable[[str, str], str]
    """Key of its mark, from the id and the generation of a survey."""


@dataclass(frozen=True, slots=True)
class Finish:
    """How an operation succeeded."""

    result: str
    message: str


class RunningOperation:
    """An operation that this process carries out."""

    def __init__(self, store: Store, operation: pb.Operation, mark: str, survey_id: str) -> None:
        """Begin. mark: key of the mark that keeps others out."""
        self.operation = operation
        self._store = store
        self._operations = Operations(store, now=store.now, organisation=keys.owner(survey_id))
        self._mark = mark
        self._reported_s = 0.0

    def renew(self) -> None:
        """Store the operation, and renew its mark."""
        self._operations.put(self.operation)
        self._store.put(self._mark, self.operation.operation_id.encode(), ttl_s=MARK_TTL_S)

    @property
    def due(self) -> bool:
        """Whether the last report is a second old."""
        return time.monotonic() - self._reported_s >= REPORT_EVERY_S

    def report(self, progress: float, message: str, metrics: Mapping[str, float] | None = None) -> None:
        """Store the progress, 0 to 1. Raises OperationCancelled if the operation was cancelled."""
        self._reported_s = time.monotonic()
        if self._operations.cancel_asked(self.operation.operation_id):
            raise OperationCancelled
        # 1 is left to the end, and only what was carried out has a result
        self.operation.progress, self.operation.message = min(progress, 0.999), message
        self.operation.metrics.update(metrics or {})
        self.renew()

    def run(self, work: Callable[[], Finish], *, cancelled: str = "cancelled", failed: str) -> None:
        """Carry out `work`, and end the operation as succeeded, failed or cancelled.

        cancelled: message after a cancellation. failed: message after an error that is not for the caller,
        which is logged.
        """
        try:
            finish = work()
        except OperationCancelled:
            self._end(pb.OPERATION_STATE_CANCELLED, cancelled)
        except SpottedError as error:
            self._end(pb.OPERATION_STATE_FAILED, str(error))
        except Exception:
            logger.exception("operation %s failed", self.operation.operation_id)
            self._end(pb.OPERATION_STATE_FAILED, failed)
        else:
            self.operation.result, self.operation.progress = finish.result, 1.0
            self._end(pb.OPERATION_STATE_SUCCEEDED, finish.message)

    def fail(self, reason: str) -> None:
        """End the operation without a result."""
        self._end(pb.OPERATION_STATE_FAILED, reason)

    def _end(self, state: pb.OperationState.ValueType, message: str) -> None:
        self.operation.state, self.operation.message = state, message
        # whoever sees the end may begin the next at once; the mark of a later one stays
        if self._store.get(self._mark) == self.operation.operation_id.encode():
            self._store.delete(self._mark)
        self._operations.put(self.operation)


class SurveyOperations:
    """Begins operations of one kind."""

    def __init__(self, store: Store, kind: OperationKind) -> None:
        self._store = store
        self._kind = kind
        self._existence = Existence(store)

    def ask(self, survey_id: str, request_id: str) -> AskedOperation:
        """A request for an operation. Raises NotFoundError for the survey, RequestIdReusedError."""
        generation = self._existence.generation(survey_id)
        return AskedOperation(self._store, self._kind, survey_id, generation, request_id)


class AskedOperation:
    """A request for an operation on one generation of a survey."""

    def __init__(
        self, store: Store, kind: OperationKind, survey_id: str, generation: str, request_id: str
    ) -> None:
        self.generation = generation
        self._store = store
        self._kind = kind
        self._survey_id = survey_id
        self._request_id = request_id
        self._operations = Operations(store, now=store.now, organisation=keys.owner(survey_id))
        self._request = keys.request(survey_id, f"{kind.name}:{generation}", request_id)

    def first(self) -> pb.Operation | None:
        """The operation as the first request with this id was answered; None if this is the first.

        Raises RequestIdReusedError.
        """
        kept = self._store.get(self._request) if self._request_id else None
        if kept is None:
            return None
        return pb.Operation.FromString(first_answer(self._request, kept, self._request_id))

    def begin(self, message: str) -> RunningOperation:
        """Begin the operation. Raises PreconditionError if another of this survey is running."""
        operation = self._operations.begin(message)
        mark, noun = self._kind.mark(self._survey_id, self.generation), self._kind.noun
        name = operation.operation_id.encode()
        if not self._store.put(mark, name, ttl_s=MARK_TTL_S, only_new=True):
            self._operations.fail(operation, f"another {noun} of this survey is running")
            raise PreconditionError(
                f"a {noun} of survey {self._survey_id!r} is already running; wait for it, or cancel it"
            )
        if self._request_id:
            answer = keep(self._request, operation.SerializeToString())
            self._store.put(self._request, answer, ttl_s=keys.REQUEST_TTL_S)
        return RunningOperation(self._store, operation, mark, self._survey_id)
