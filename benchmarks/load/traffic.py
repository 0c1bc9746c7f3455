"""Calls sent at their own times, whether or not earlier ones are answered, and the outcome of each."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import NamedTuple

import grpc
from google.rpc import error_details_pb2
from grpc import aio
from grpc_status import rpc_status

from benchmarks.load.access import BrokenStreamError, Call

# of a client, above those of the channel; a restarted service is back within them
ATTEMPTS = 6
FIRST_BACKOFF_S = 0.2


class Outcome(NamedTuple):
    """The result of one call.

    due_s: when it was to be sent, from the start; took_s: from then to its answer. error: "" if it was
    answered. retries: attempts of the client after the first; those of the channel cannot be seen.
    """

    name: str
    due_s: float
    took_s: float
    error: str
    retries: int


class Counts(NamedTuple):
    """Numbers of calls sent, answered and failed so far."""

    sent: int
    answered: int
    failed: int


async def offer(
    draw: Callable[[], Call],
    *,
    per_s: float,
    seconds: float,
    chance: random.Random,
    stopped: Callable[[], bool],
    tell: Callable[[Counts], None],
) -> list[Outcome]:
    """Send calls by a Poisson process for a time, or until stopped, and wait for all of them.

    draw: the call to make next. tell: hears the counts with every call. The time of a call runs from when
    it was due, so one that could not be sent in time counts as slow (no coordinated omission).
    """
    outcomes: list[Outcome] = []
    started_s, due_s, sent, failed = time.perf_counter(), 0.0, 0, 0

    async def make(call: Call, due_s: float) -> None:
        nonlocal failed
        error, retries = await attempted(call)
        took_s = time.perf_counter() - started_s - due_s
        outcomes.append(Outcome(call.name, due_s, took_s, error, retries))
        failed += bool(error)
        tell(Counts(sent, len(outcomes) - failed, failed))

    async with asyncio.TaskGroup() as tasks:
        while (due_s := due_s + chance.expovariate(per_s)) < seconds and not stopped():
            await asyncio.sleep(max(0.0, due_s - (time.perf_counter() - started_s)))
            sent += 1
            tasks.create_task(make(draw(), due_s))
    return outcomes


async def attempted(call: Call, *, first_backoff_s: float = FIRST_BACKOFF_S) -> tuple[str, int]:
    """The error of a call, "" if it succeeded, and the number of its retries."""
    attempt = 0
    try:
        while True:
            try:
                await call.work()
            except aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE or attempt + 1 == ATTEMPTS:
                    return described(error), attempt
            except (BrokenStreamError, RuntimeError) as error:
                return f"{type(error).__name__}: {error}", attempt
            else:
                return "", attempt
            await asyncio.sleep(first_backoff_s * 2**attempt)
            attempt += 1
    finally:
        call.done()


def described(error: aio.AioRpcError) -> str:
    """Code, reason and message of a failed call."""
    status = rpc_status.from_call(error)  # type: ignore[arg-type] # the stubs know only blocking calls
    info = error_details_pb2.ErrorInfo()
    for packed in status.details if status else ():
        if packed.Is(info.DESCRIPTOR):
            packed.Unpack(info)
    return f"{error.code().name} / {info.reason or '-'}: {error.details()}"
