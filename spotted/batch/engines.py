"""Engines that work on items such as blocks: processes of this machine, or a Ray cluster."""

from __future__ import annotations

import importlib
import logging
import multiprocessing
import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor
from concurrent.futures import wait as wait_for
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Generic, Protocol, TypeVar

from threadpoolctl import threadpool_limits

from spotted.errors import InvalidInputError, PreconditionError, UnavailableError

Item = TypeVar("Item")
# how often Ray retries an item
RETRIES = 3
# items submitted to Ray at once; the others wait here, so that a growing cluster gets its share
IN_FLIGHT = 512
KNOCK_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class ItemResult(Generic[Item]):
    """The end of one item.

    >>> [result.item for result in (ItemResult(0), ItemResult(1, "MemoryError: ")) if result.error]
    [1]
    """

    item: Item
    """The item, such as the number of a block."""
    error: str = ""
    """Last error, "" if the item is finished."""


class Engine(Protocol):
    """Works on items, several at once."""

    def run(self, task: Callable[[Item], None], items: Sequence[Item]) -> Iterator[ItemResult[Item]]:
        """Call a task with each item, both of which must pickle; yields each once, in order of completion.

        A task that fails is retried, unless its input is at fault; the result carries its last error.
        """
        ...


@dataclass(frozen=True, slots=True)
class LocalEngine:
    """Processes of this machine."""

    workers: int
    """Processes at once, each with one thread of linear algebra."""

    def run(self, task: Callable[[Item], None], items: Sequence[Item]) -> Iterator[ItemResult[Item]]:
        """Call a task with each item."""
        waiting, failed = list(reversed(items)), list[Item]()
        while waiting:
            for result, again in _together(task, waiting, self.workers):
                if again:
                    failed.append(result.item)
                else:
                    yield result
        # one at a time, so that an item that kills its process is known
        for item in failed:
            yield from (result for result, _ in _together(task, [item], 1))


@dataclass(frozen=True, slots=True)
class RayEngine:
    """A Ray cluster."""

    workers: int
    """Processes of a cluster that is started on this machine."""
    address: str = ""
    """Address of a running cluster; "" starts one on this machine."""

    def run(self, task: Callable[[Item], None], items: Sequence[Item]) -> Iterator[ItemResult[Item]]:
        """Call a task with each item.

        Raises PreconditionError if ray is not installed, UnavailableError if there is no cluster.
        """
        with _cluster(self.workers, self.address) as ray:
            remote = ray.remote(max_retries=RETRIES, retry_exceptions=True)(_call)
            job, waiting = ray.put(task), list(reversed(items))
            running: dict[object, Item] = {}
            while waiting or running:
                while waiting and len(running) < IN_FLIGHT:
                    item = waiting.pop()
                    running[remote.remote(job, item)] = item
                (done,), _ = ray.wait(list(running), num_returns=1)
                yield ItemResult(running.pop(done), _failure(ray, done))


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


def _together(
    task: Callable[[Item], None], waiting: list[Item], workers: int
) -> Iterator[tuple[ItemResult[Item], bool]]:
    """One attempt per item, the last of `waiting` first, which are removed from it; and whether to retry it.

    A process that dies fails the items that are in progress, and ends this: the others still wait.
    """
    # a process forked from one with threads, such as gRPC's, may hang
    pool = ProcessPoolExecutor(
        min(workers, max(1, len(waiting))),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_prepare,
    )
    running: dict[Future[str], Item] = {}
    broken = False
    try:
        while running or (waiting and not broken):
            while waiting and not broken and len(running) < workers:
                try:
                    running[pool.submit(_call, task, waiting[-1])] = waiting[-1]
                except BrokenProcessPool:
                    broken = True
                else:
                    waiting.pop()
            for future in wait_for(running, return_when=FIRST_COMPLETED).done:
                error = future.exception()
                broken = broken or isinstance(error, BrokenProcessPool)
                message = _message(error) if error else future.result()
                yield ItemResult(running.pop(future), message), error is not None
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
        # an item in progress stays unfinished: its file appears only when it is complete
        os._exit(1)


def _call(task: Callable[[Any], None], item: object) -> str:
    """The error of an item that no retry can help, "" if it is finished; other errors are raised."""
    try:
        task(item)
    except (InvalidInputError, PreconditionError) as error:
        return _message(error)
    return ""


def _failure(ray: ModuleType, done: object) -> str:
    try:
        return str(ray.get(done))
    except ray.exceptions.RayTaskError as error:
        return _message(error.cause)
    except ray.exceptions.RayError as error:
        return _message(error)


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
    own = {
        "address": "local",
        "num_cpus": workers,
        "include_dashboard": False,
        # without a limit an item that always needs more memory than there is would be retried for ever
        "_system_config": {"task_oom_retries": RETRIES},
    }
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
