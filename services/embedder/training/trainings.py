"""Trainings of heads: each is an operation that runs in its own process."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from importlib.util import find_spec

from services.common.store import keys
from services.common.store.operations import Operations
from services.common.store.request_content import first_answer, keep
from services.common.store.store import Store
from services.common.survey.existence import Existence
from services.common.survey.state import folded_survey
from spotted.errors import PreconditionError, StoreUnavailableError
from spotted.heads.head import FEWEST_DETECTIONS, HeadRecipe
from spotted.v1 import operations_pb2 as pb

TRAIN = "TrainHead"
# the mark of a running training expires if its process dies; the process renews it
MARK_TTL_S = 60


class Trainings:
    """Begins trainings. environment: environment of the worker process, with SPOTTED_STORE_URL."""

    def __init__(self, store: Store, operations: Operations, environment: Mapping[str, str]) -> None:
        self._store = store
        self._operations = operations
        self._existence = Existence(store)
        self._environment = dict(environment)

    def begin(self, survey_id: str, recipe: HeadRecipe, request_id: str) -> pb.Operation:
        """Begin a training; a repeat of the request returns the first operation.

        Raises RequestIdReusedError, NotFoundError for the survey, and PreconditionError if torch is not
        installed, the survey is too small, or a training of it is already running.
        """
        operations = self._operations.of(keys.owner(survey_id))
        # of the survey that is trained on; one that is created later under its id has another
        generation = self._existence.generation(survey_id)
        request = keys.request(survey_id, f"{TRAIN}:{generation}", request_id)
        if request_id and (kept := self._store.get(request)) is not None:
            return operations.get(first_answer(request, kept, request_id).decode())
        self._check(survey_id)
        operation = operations.begin("waiting for its process to start")
        mark = keys.training(survey_id, generation)
        if not self._store.put(mark, operation.operation_id.encode(), ttl_s=MARK_TTL_S, only_new=True):
            operations.fail(operation, "another training of this survey is running")
            raise PreconditionError(
                f"a training of survey {survey_id!r} is already running; wait for it, or cancel it"
            )
        if request_id:
            kept = keep(request, operation.operation_id.encode())
            self._store.put(request, kept, ttl_s=keys.REQUEST_TTL_S)
        self._start(operation, survey_id, generation, recipe)
        return operation

    def _check(self, survey_id: str) -> None:
        snapshot = folded_survey(self._store, survey_id).view(lambda state, _: state.snapshot())
        if len(snapshot.detections) < FEWEST_DETECTIONS:
            raise PreconditionError(
                f"survey {survey_id!r} has {len(snapshot.detections)} detections; "
                f"training a head needs at least {FEWEST_DETECTIONS}; add detections"
            )
        if find_spec("torch") is None:
            raise PreconditionError(
                "torch is not installed in this embedder; install the extra `train` to train heads"
            )

    def _start(self, operation: pb.Operation, survey_id: str, generation: str, recipe: HeadRecipe) -> None:
        arguments = [operation.operation_id, survey_id, generation, json.dumps(asdict(recipe))]
        process = subprocess.Popen(  # noqa: S603 - our own command line
            [sys.executable, "-m", "services.embedder.training", *arguments],
            env=self._environment,
            stdin=subprocess.DEVNULL,
        )
        watching = (process, operation.operation_id, survey_id, generation)
        threading.Thread(target=self._watch, args=watching, name="training", daemon=True).start()

    def _watch(
        self, process: subprocess.Popen[bytes], operation_id: str, survey_id: str, generation: str
    ) -> None:
        """Fail the operation as soon as its process has died without ending it."""
        code = process.wait()
        # if the store is unavailable too, the operation fails later for lack of updates
        with suppress(StoreUnavailableError):
            operations = self._operations.of(keys.owner(survey_id))
            self._ended(code, operations, operation_id, keys.training(survey_id, generation))

    def _ended(self, code: int, operations: Operations, operation_id: str, mark: str) -> None:
        operation = operations.get(operation_id)
        if operation.state == pb.OPERATION_STATE_RUNNING:
            # remove the mark first, so that a new training can begin once the failure is visible; leave the
            # mark of a later training
            if self._store.get(mark) == operation_id.encode():
                self._store.delete(mark)
            operations.fail(operation, f"its process ended with code {code}; see the log of the embedder")
