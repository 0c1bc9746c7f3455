"""Where blocks are worked on: the processes of this machine, or a Ray cluster."""

from __future__ import annotations

import importlib
import logging
import multiprocessing
import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Protocol

from threadpoolctl import threadpool_limits

from spotted.errors import InvalidInputError, PreconditionError, UnavailableError

Task = Callable[[int], None]
# how often Ray tries a block again
RETRIES = 3
# blocks that Ray holds at once; more wait here, so that a cluster may grow meanwhile
IN_FLIGHT = 512
KNOCK_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """A block that was worked on; error is "" where it is done."""

    number: int
    error: str = ""


class Engine(Protocol):
    """Works on numbered blocks, several at once."""

    def run(self, task: Task, numbers: Sequence[int]) -> Iterator[Outcome]:
        """Call a task, which must pickle, with each number; yields each once, in the order they end.

        A task that fails is tried again, and its last error told.
        """
        ...


@dataclass(frozen=True, slots=True)
class LocalEngine:
    """Processes of this machine. workers: how many at once, each with one thread of linear algebra."""

    workers: int

    def run(self, task: Task, numbers: Sequence[int]) -> Iterator[Outcome]:
        """Call a task with each number."""
        failed = []
        for outcome in _together(task, numbers, self.workers):
            if outcome.error:
                failed.append(outcome.number)
            else:
                yield outcome
        # alone, so that a block that takes its process down is known by its number
        for number in sorted(failed):
            yield from _together(task, [number], 1)


@dataclass(frozen=True, slots=True)
class RayEngine:
    """A Ray cluster: the one at `address`, or for "" one of `workers` processes on this machine."""

    workers: int
    address: str = ""

    def run(self, task: Task, numbers: Sequence[int]) -> Iterator[Outcome]:
        """Call a task with each number. Raises PreconditionError without ray, UnavailableError."""
        with _cluster(self.workers, self.address) as ray:
            remote = ray.remote(max_retries=RETRIES, retry_exceptions=True)(_call)
            job, waiting = ray.put(task), list(reversed(numbers))
            running: dict[object, int] = {}
            while waiting or running:
                while waiting and len(running) < IN_FLIGHT:
                    number = waiting.pop()
                    running[remote.remote(job, number)] = number
                (done,), _ = ray.wait(list(running), num_returns=1)
                yield Outcome(running.pop(done), _failure(ray, done))


def engine(kind: str, *, workers: int, address: str = "") -> Engine:
    """The engine of a kind, "local" or "ray". Raises InvalidInputError."""
    if kind == "ray":
        return RayEngine(workers, address)
    if kind != "local" or address:
        raise InvalidInputError(f"engine {kind!r} at {address!r} is not known; an address needs engine ray")
    return LocalEngine(workers)


def _together(task: Task, numbers: Sequence[int], workers: int) -> Iterator[Outcome]:
    """One try of each number. A process that dies fails all numbers that are not done."""
    # a process that is forked from one with threads, as gRPC has them, may hang
    pool = ProcessPoolExecutor(
        min(workers, max(1, len(numbers))),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_prepare,
    )
    try:
        futures: dict[Future[None], int] = {pool.submit(task, number): number for number in numbers}
        for future in as_completed(futures):
            error = future.exception()
            yield Outcome(futures[future], _words(error) if error else "")
    finally:
        pool.shutdown(cancel_futures=True)


def _prepare() -> None:
    """Make a process ready: one thread of linear algebra, and no life after its parent was killed."""
    threadpool_limits(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        # in the middle of a block, which stays unfinished: its file appears once it is whole
        os._exit(1)


def _call(task: Task, number: int) -> None:
    task(number)


def _failure(ray: ModuleType, done: object) -> str:
    try:
        ray.get(done)
    except ray.exceptions.RayTaskError as error:
        return _words(error.cause)
    except ray.exceptions.RayError as error:
        return _words(error)
    return ""


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _knock(address: str) -> None:
    """Raise OSError where nothing listens at host:port; Ray itself would try for five minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=KNOCK_TIMEOUT_S).close()


@contextmanager
def _cluster(workers: int, address: str) -> Iterator[ModuleType]:
    """Ray, connected: as the caller has it, or for the time of the context."""
    try:
        ray = importlib.import_module("ray")
    except ModuleNotFoundError as error:
        raise PreconditionError(
            "ray is not installed; install Spotted with its extra `batch` (pip install 'spotted[batch]'), or "
            "use --engine local"
        ) from error
    if ray.is_initialized():
        yield ray
        return
    # a cluster of one's own must not become another that the environment names
    own = {"address": "local", "num_cpus": workers, "include_dashboard": False}
    where: dict[str, object] = {"address": address} if address else own
    try:
        _knock(address)
        # what tasks print would stand between the results
        ray.init(**where, log_to_driver=False, logging_level=logging.WARNING)
    except Exception as error:  # Ray's own for a start that takes over 30 s is of no narrower class
        ray.shutdown()
        raise UnavailableError(
            f"no Ray cluster at {address or 'this machine'}: {error}; start one (`ray start --head`) and "
            "give its address, or use --engine local"
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()
