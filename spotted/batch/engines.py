"""Where blocks are computed: processes of this machine, or a Ray cluster."""

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
# how often Ray retries a block
RETRIES = 3
# blocks submitted to Ray at once; the others wait here, so that a growing cluster gets its share
IN_FLIGHT = 512
KNOCK_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class BlockResult:
    """The end of one block.

    >>> [result.number for result in (BlockResult(0), BlockResult(1, "MemoryError: ")) if result.error]
    [1]
    """

    number: int
    """Number of the block."""
    error: str = ""
    """Last error, "" if the block is finished."""


class Engine(Protocol):
    """Computes numbered blocks, several at once."""

    def run(self, task: Task, numbers: Sequence[int]) -> Iterator[BlockResult]:
        """Call a task, which must pickle, with each number; yields each number once, in order of completion.

        A task that fails is retried; the result carries its last error.
        """
        ...


@dataclass(frozen=True, slots=True)
class LocalEngine:
    """Processes of this machine."""

    workers: int
    """Processes at once, each with one thread of linear algebra."""

    def run(self, task: Task, numbers: Sequence[int]) -> Iterator[BlockResult]:
        """Call a task with each number."""
        failed = []
        for result in _together(task, numbers, self.workers):
            if result.error:
                failed.append(result.number)
            else:
                yield result
        # one at a time, so that a block that kills its process is known by its number
        for number in sorted(failed):
            yield from _together(task, [number], 1)


@dataclass(frozen=True, slots=True)
class RayEngine:
    """A Ray cluster."""

    workers: int
    """Processes of a cluster that is started on this machine."""
    address: str = ""
    """Address of a running cluster; "" starts one on this machine."""

    def run(self, task: Task, numbers: Sequence[int]) -> Iterator[BlockResult]:
        """Call a task with each number.

        Raises PreconditionError if ray is not installed, UnavailableError if there is no cluster.
        """
        with _cluster(self.workers, self.address) as ray:
            remote = ray.remote(max_retries=RETRIES, retry_exceptions=True)(_call)
            job, waiting = ray.put(task), list(reversed(numbers))
            running: dict[object, int] = {}
            while waiting or running:
                while waiting and len(running) < IN_FLIGHT:
                    number = waiting.pop()
                    running[remote.remote(job, number)] = number
                (done,), _ = ray.wait(list(running), num_returns=1)
                yield BlockResult(running.pop(done), _failure(ray, done))


def engine(kind: str, *, workers: int, address: str = "") -> Engine:
    """The engine of a kind, "local" or "ray". Raises InvalidInputError.

    >>> engine("local", workers=2), engine("ray", workers=2, address="10.0.0.5:6379")
    (LocalEngine(workers=2), RayEngine(workers=2, address='10.0.0.5:6379'))
    """
    if kind == "ray":
        return RayEngine(workers, address)
    if kind != "local" or address:
        raise InvalidInputError(
            f"unknown engine {kind!r} with address {address!r}; use local without an address, or ray"
        )
    return LocalEngine(workers)


def _together(task: Task, numbers: Sequence[int], workers: int) -> Iterator[BlockResult]:
    """One attempt per number. A process that dies fails all unfinished numbers."""
    # a process forked from one with threads, such as gRPC's, may hang
    pool = ProcessPoolExecutor(
        min(workers, max(1, len(numbers))),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_prepare,
    )
    try:
        futures: dict[Future[None], int] = {pool.submit(task, number): number for number in numbers}
        for future in as_completed(futures):
            error = future.exception()
            yield BlockResult(futures[future], _message(error) if error else "")
    finally:
        pool.shutdown(cancel_futures=True)


def _prepare() -> None:
    """Prepare a process: one thread of linear algebra, and end with the parent even if that is killed."""
    threadpool_limits(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        # a block in progress stays unfinished: its file appears only when it is complete
        os._exit(1)


def _call(task: Task, number: int) -> None:
    task(number)


def _failure(ray: ModuleType, done: object) -> str:
    try:
        ray.get(done)
    except ray.exceptions.RayTaskError as error:
        return _message(error.cause)
    except ray.exceptions.RayError as error:
        return _message(error)
    return ""


def _message(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _knock(address: str) -> None:
    """Raise OSError if nothing listens at host:port; Ray itself would retry for five minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=KNOCK_TIMEOUT_S).close()


@contextmanager
def _cluster(workers: int, address: str) -> Iterator[ModuleType]:
    """Ray, connected: the caller's connection, or one for the duration of the context."""
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
    # a local cluster must not become one that the environment names
    own = {"address": "local", "num_cpus": workers, "include_dashboard": False}
    options: dict[str, object] = {"address": address} if address else own
    try:
        _knock(address)
        # output of tasks would be mixed with the results
        ray.init(**options, log_to_driver=False, logging_level=logging.WARNING)
    except Exception as error:  # Ray raises no narrower class if the start takes over 30 s
        ray.shutdown()
        raise UnavailableError(
            f"no Ray cluster at {address or 'this machine'}: {error}; start one (`ray start --head`) and "
            "give its address, or use --engine local"
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()
