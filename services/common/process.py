"""How a service's process begins and ends: log, traces, settings, exit status."""

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

from google.protobuf.timestamp_pb2 import Timestamp

from services.common.settings import Settings, from_environment
from services.common.telemetry import logs, tracing
from spotted.errors import SpottedError

FAILED = 1
# allocations before a look for unreachable cycles among what is new, and looks before one at what is older
COLLECT_AFTER = (10_000, 10, 20)
# of glibc's <malloc.h>, and the bytes from which an array is its own mapping
M_MMAP_THRESHOLD, LARGE_BYTES = -3, 2 << 20


def now() -> Timestamp:
    """The present instant, UTC."""
    present = Timestamp()
    present.GetCurrentTime()
    return present


def watch(name: str, settings: Settings) -> None:
    """Log and trace this process as its settings say. Raises PreconditionError as tracing.start does."""
    logs.set_up(name, settings.log, tracing.trace_id)
    tracing.start(name, settings.traces)


def collect_seldom() -> None:
    """Look for unreachable cycles seldom, in a process that keeps most of what it makes.

    What a journal folds into holds no cycles; looking through it over and over took a quarter of the fold.
    """
    gc.set_threshold(*COLLECT_AFTER)


def give_back_arrays() -> None:
    """Have large arrays return to the system once they are freed, where many of unequal sizes come and go.

    Left to itself glibc takes every array up to the largest that was freed so far from its heap (mallopt(3)),
    where a small object behind it holds it back. Costs 5 % of the time to rank 20,000 detections, nothing
    that shows for one. Other C libraries stay as they are.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)


def main(service: str, run: Callable[[Settings], Coroutine[Any, Any, None]]) -> None:
    """Run one service until it is told to stop; exits 1 with one line where it cannot start."""
    # settings that cannot be read are told in this way
    logs.set_up(service, "text")
    try:
        settings = from_environment(service, os.environ)
        watch(service, settings)
        asyncio.run(run(settings))
    except SpottedError as error:
        logging.getLogger("spotted").error("%s: %s", error.reason, error)  # noqa: TRY400 - the line says all
        sys.exit(FAILED)
    finally:
        tracing.stop()
