"""Trainings of heads: each an operation, in a process of its own."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict

from services.common.store import keys
from services.common.store.store import Store
from services.common.survey.state import folded_survey
from services.embedder.training.operations import Operations
from spotted.errors import PreconditionError, StoreUnavailableError
from spotted.heads.head import FEWEST_DETECTIONS, HeadRecipe
from spotted.v1 import operations_pb2 as pb

TRAIN = "TrainHead"
# a training's mark ends by itself where nobody is left to take it away; the process renews it
MARK_TTL_S = 60


class Trainings:
    """Begins trainings. environment: of the worker process, with SPOTTED_STORE_URL."""

    def __init__(self, store: Store, operations: Operations, environment: Mapping[str, str]) -> None:
        self._store = store
        self._operations = operations
        self._environment = dict(environment)

    def begin(self, survey_id: str, recipe: HeadRecipe, request_id: str) -> pb.Operation:
        """Begin a training; a repeat of the request returns the first operation.

        Raises NotFoundError for the survey, PreconditionError where there is no torch, the survey is too
        small, or a training of it runs already.
        """
        operations = self._operations.of(keys.owner(survey_id))
        request = keys.request(survey_id, TRAIN, request_id)
        if request_id and (first := self._store.get(request)) is not None:
            return operations.get(first.decode())
        self._check(survey_id)
        operation = operations.begin("waiting for its process")
        if not self._store.put(
            keys.training(survey_id), operation.operation_id.encode(), ttl_s=MARK_TTL_S, only_new=True
        ):
            operations.fail(operation, "another training of this survey runs")
            raise PreconditionError(
                f"a training of survey {survey_id!r} runs already; wait for it, or cancel it"
            )
        if request_id:
            self._store.put(request, operation.operation_id.encode(), ttl_s=keys.REQUEST_TTL_S)
        self._start(operation, survey_id, recipe)
        return operation

    def _check(self, survey_id: str) -> None:
        snapshot = folded_survey(self._store, survey_id).view(lambda state, _: state.snapshot())
        if len(snapshot.detections) < FEWEST_DETECTIONS:
            raise PreconditionError(
                f"survey {survey_id!r} has {len(snapshot.detections)} detections; "
                f"a head needs {FEWEST_DETECTIONS}"
            )
        if importlib.util.find_spec("torch") is None:
            raise PreconditionError("this embedder has no torch; install the extra `train` to train heads")

    def _start(self, operation: pb.Operation, survey_id: str, recipe: HeadRecipe) -> None:
        arguments = [operation.operation_id, survey_id, json.dumps(asdict(recipe))]
        process = subprocess.Popen(  # noqa: S603 - our own command line
            [sys.executable, "-m", "services.embedder.training", *arguments],
            env=self._environment,
            stdin=subprocess.DEVNULL,
        )
        watching = (process, operation.operation_id, survey_id)
        threading.Thread(target=self._watch, args=watching, name="training", daemon=True).start()

    def _watch(self, process: subprocess.Popen[bytes], operation_id: str, survey_id: str) -> None:
        """Tell at once where a training's process died without a word."""
        code = process.wait()
        # with the store gone, the operation's silence tells it
        with suppress(StoreUnavailableError):
            self._ended(code, self._operations.of(keys.owner(survey_id)), operation_id, survey_id)

    def _ended(self, code: int, operations: Operations, operation_id: str, survey_id: str) -> None:
        operation = operations.get(operation_id)
        if operation.state == pb.OPERATION_STATE_RUNNING:
            # whoever sees the failure may begin again at once; a later training keeps its own mark
            if self._store.get(keys.training(survey_id)) == operation_id.encode():
                self._store.delete(keys.training(survey_id))
            operations.fail(operation, f"its process ended with code {code}; see the embedder's log")
