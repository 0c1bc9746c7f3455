"""Trainings of heads: each is an operation that runs in its own process."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec

from services.common.store import keys
from services.common.store.operations import Operations
from services.common.store.store import Store
from services.common.survey.state import folded_survey
from services.common.survey.survey_operations import OperationKind, RunningOperation, SurveyOperations
from services.embedder.training.jobs import Job, NamedHead, job_json
from spotted.errors import PreconditionError, StoreUnavailableError
from spotted.heads.head import FEWEST_DETECTIONS
from spotted.v1 import operations_pb2 as pb

TRAIN = OperationKind("TrainHead", "training", keys.training)


class Trainings:
    """Begins trainings. environment: environment of the worker process, with SPOTTED_STORE_URL."""

    def __init__(self, store: Store, environment: Mapping[str, str]) -> None:
        self._store = store
        self._operations = SurveyOperations(store, TRAIN)
        self._environment = dict(environment)

    def begin(self, survey_id: str, job: Job, request_id: str) -> pb.Operation:
        """Begin a training; a repeat of the request returns the first operation.

        Raises RequestIdReusedError, NotFoundError for the survey or a named detection, and PreconditionError
        if torch is needed and not installed, the survey is too small, or a training of it is already running.
        """
        asked = self._operations.ask(survey_id, request_id)
        if (first := asked.first()) is not None:
            return first
        self._check(survey_id, job)
        running = asked.begin("waiting for its process to start")
        self._start(running, survey_id, asked.generation, job)
        return running.operation

    def _check(self, survey_id: str, job: Job) -> None:
        snapshot = folded_survey(self._store, survey_id).view(lambda state, _: state.snapshot())
        if len(snapshot.detections) < FEWEST_DETECTIONS:
            raise PreconditionError(
                f"survey {survey_id!r} has {len(snapshot.detections)} detections; "
                f"training a head needs at least {FEWEST_DETECTIONS}; add detections"
            )
        if isinstance(job, NamedHead):
            for detection_id in job.names:
                snapshot.row(detection_id)
        elif find_spec("torch") is None:
            raise PreconditionError(
                "torch is not installed in this embedder; install the extra `train` to train heads"
            )

    def _start(self, running: RunningOperation, survey_id: str, generation: str, job: Job) -> None:
        arguments = [running.operation.operation_id, survey_id, generation]
        process = subprocess.Popen(  # noqa: S603 - our own command line
            [sys.executable, "-m", "services.embedder.training", *arguments],
            env=self._environment,
            stdin=subprocess.PIPE,
            text=True,
        )
        watching = (process, job_json(job), running.operation.operation_id, survey_id, generation)
        threading.Thread(target=self._watch, args=watching, name="training", daemon=True).start()

    def _watch(
        self, process: subprocess.Popen[str], job: str, operation_id: str, survey_id: str, generation: str
    ) -> None:
        """Pass the job to the process, and fail the operation once it has died without ending it."""
        # names of many detections are too long for an argument
        process.communicate(job)
        code = process.returncode
        # if the store is unavailable too, the operation fails later for lack of updates
        with suppress(StoreUnavailableError):
            stored = Operations(self._store, now=self._store.now, organisation=keys.owner(survey_id))
            operation = stored.get(operation_id)
            if operation.state == pb.OPERATION_STATE_RUNNING:
                running = RunningOperation(
                    self._store, operation, TRAIN.mark(survey_id, generation), survey_id
                )
                running.fail(f"its process ended with code {code}; see the log of the embedder")
