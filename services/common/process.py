"""Start and end of a service's process: settings, log, traces, exit status."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging
import os
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import uvloop
from google.protobuf.timestamp_pb2 import Timestamp

from services.common.memory import MemoryPlan
from services.common.settings import Settings, from_environment
from services.common.telemetry import logs, tracing
from spotted.errors import SpottedError

FAILED = 1
# thresholds of the garbage collector's three generations: allocations, then collections of the younger one
COLLECT_AFTER = (10_000, 10, 20)
# parameters from glibc's <malloc.h>: the size in bytes above which an array gets its own mapping, and the
# free memory at the end of a heap that is kept, so that one message after another takes no new pages
M_MMAP_THRESHOLD, LARGE_BYTES = -3, 2 << 20
M_TRIM_THRESHOLD, KEPT_BYTES = -1, 8 << 20


def now() -> Timestamp:
    """The current time, UTC."""
    current = Timestamp()
    current.GetCurrentTime()
    return current


def watch(name: str, settings: Settings) -> None:
    """Set up logs and traces of this process by its settings. Raises PreconditionError as tracing.start."""
    logs.set_up(name, settings.log, tracing.trace_id)
    tracing.start(name, settings.traces)


def log_memory(plan: MemoryPlan) -> None:
    """Write to the log how the processes of this service share its memory."""
    logging.getLogger("spotted").info("memory: %s", plan)


def collect_seldom() -> None:
    """Collect garbage less often, in a process that keeps most of the objects it creates.

    The state folded from a journal has no cycles; searching it repeatedly took a quarter of the fold's time.
    """
    gc.set_threshold(*COLLECT_AFTER)


def give_back_arrays() -> None:
    """Return large arrays to the system when they are freed, in a process with many arrays of unequal sizes.

    By default glibc allocates every array up to the size of the largest freed one from its heap (mallopt(3)),
    and a small object behind an array keeps it there. Costs 5 % of the time to rank 20,000 detections and
    nothing measurable for one. Other C libraries are left unchanged.
    """
    with suppress(AttributeError, OSError):
        library = ctypes.CDLL(None)
        library.mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
        # otherwise 128 KiB, once the other threshold is set
        library.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)


def main(service: str, run: Callable[[Settings], Coroutine[Any, Any, None]]) -> None:
    """Run a service until it is stopped; exits with status 1 and one log line if it cannot start."""
    # for the error about invalid settings
    logs.set_up(service, "text")
    try:
        settings = from_environment(service, os.environ)
        watch(service, settings)
        # a fifth less processor time for each call than asyncio's own loop
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run(settings))
    except SpottedError as error:
        logging.getLogger("spotted").error("%s: %s", error.reason, error)  # noqa: TRY400 - no trace needed
        sys.exit(FAILED)
    finally:
        tracing.stop()
