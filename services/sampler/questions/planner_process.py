"""Planning in a separate process, so that answers are stored at full speed meanwhile.

The planning process is a replica like any other: it folds the same journals from the store and reads from the
same scorer. It only plans; the process that requested the round stores it.
"""

from __future__ import annotations

import logging
import multiprocessing
import threading
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from services.common import process
from services.common.settings import Settings
from services.common.store.store import Store
from services.common.telemetry import metrics, tracing
from services.sampler.catalogue.client import CatalogueClient
from services.sampler.questions.planner import Planner
from services.sampler.scorer_client import ScorerClient
from services.sampler.session.sessions import Sessions
from spotted.errors import SpottedError, UnavailableError
from spotted.sampling.rounds import Pair
from spotted.v1 import sampler_pb2 as pb

LEAVE_S = 5.0

logger = logging.getLogger("spotted")


@dataclass(slots=True)
class _Running:
    """A planning process and the line to it."""

    process: BaseProcess
    line: Connection


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error in a form that can be pickled; exceptions whose class takes more than a message cannot."""

    kind: type[SpottedError]
    message: str
    attributes: dict[str, object]

    @classmethod
    def of(cls, error: SpottedError) -> Refusal:
        """The refusal for an error."""
        return cls(type(error), str(error), vars(error))

    def error(self) -> SpottedError:
        """The error to raise."""
        made = self.kind.__new__(self.kind, self.message)
        vars(made).update(self.attributes)
        return made


class PlannerProcess:
    """Plans in another process, one plan at a time; starts it on first use and again if it died."""

    def __init__(self, work: Callable[[Connection], None]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._running: _Running | None = None

    def plan(self, survey_id: str, session_id: str, excluding: frozenset[Pair]) -> pb.PlannedRound | None:
        """Like `Planner.plan`. Raises UnavailableError if the process died while planning."""
        with self._lock:
            running = self._started()
            try:
                running.line.send((tracing.outgoing(), survey_id, session_id, excluding))
                answer = running.line.recv()
            except (EOFError, OSError) as error:
                self._stop()
                metrics.PLANNER_RESTARTS.inc()
                logger.warning("a planning process ended while it planned a round; it will be restarted")
                raise UnavailableError(
                    "the planning process died while it planned a round; ask again, it will be restarted"
                ) from error
        if isinstance(answer, Refusal):
            raise answer.error()
        return None if answer is None else pb.PlannedRound.FromString(answer)

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._stop()

    def _started(self) -> _Running:
        if self._running is None or not self._running.process.is_alive():
            if self._running is not None:
                metrics.PLANNER_RESTARTS.inc()
                logger.warning("a planning process ended between two rounds; it is restarted")
            self._stop()
            # a fork would copy the gRPC channels of the running server
            context = multiprocessing.get_context("spawn")
            ours, theirs = context.Pipe()
            worker = context.Process(target=self._work, args=(theirs,), daemon=True)
            worker.start()
            theirs.close()
            self._running = _Running(worker, ours)
        return self._running

    def _stop(self) -> None:
        if self._running is not None:
            self._running.line.close()
            self._running.process.join(LEAVE_S)
            self._running.process.kill()
            self._running = None


class PlannerProcesses:
    """Several planning processes; a survey is always planned by the same one, which caches its scores."""

    def __init__(self, count: int, work: Callable[[Connection], None]) -> None:
        self._planners = [PlannerProcess(work) for _ in range(count)]

    def plan(self, survey_id: str, session_id: str, excluding: frozenset[Pair]) -> pb.PlannedRound | None:
        """Like `Planner.plan`."""
        planner = self._planners[zlib.crc32(survey_id.encode()) % len(self._planners)]
        return planner.plan(survey_id, session_id, excluding)

    def close(self) -> None:
        """End all processes."""
        for planner in self._planners:
            planner.close()


@dataclass(frozen=True, slots=True)
class PlanningWork:
    """The main function of a planning process; it returns when the line is closed."""

    settings: Settings
    budget_bytes: int
    """Memory for sessions in the planning process."""

    def __call__(self, line: Connection) -> None:
        """Answer planning requests with the round, None, or the error to raise."""
        process.watch("sampler planning", self.settings)
        process.collect_seldom()
        process.give_back_arrays()
        store, scorer = (
            Store(self.settings.store_url),
            ScorerClient(self.settings.scorer_address, self.settings.security),
        )
        catalogue = CatalogueClient(self.settings.scorer_address, self.settings.security)
        sessions = Sessions(
            store, scorer, now=process.now, budget_bytes=self.budget_bytes, catalogue=catalogue
        )
        planner = Planner(sessions, scorer)
        # the sampler closes the line, or it is closed when the sampler dies, also during a plan; Ctrl-C
        # reaches both processes
        with suppress(EOFError, ConnectionError, KeyboardInterrupt):
            while True:
                headers, survey_id, session_id, excluding = line.recv()
                with tracing.continued(headers, "planning"), tracing.span("plan in its process"):
                    answer = _answer(planner, survey_id, session_id, excluding)
                line.send(answer)
        tracing.stop()


def _answer(
    planner: Planner, survey_id: str, session_id: str, excluding: frozenset[Pair]
) -> bytes | Refusal | None:
    try:
        planned = planner.plan(survey_id, session_id, excluding)
    except SpottedError as error:
        return Refusal.of(error)
    return None if planned is None else planned.SerializeToString()
