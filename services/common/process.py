"""How a service's process begins and ends: log format, settings, exit status."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from services.common.settings import Settings, from_environment
from spotted.errors import SpottedError

FAILED = 1
# allocations before a look for unreachable cycles among what is new, and looks before one at what is older
COLLECT_AFTER = (10_000, 10, 20)


def now() -> Timestamp:
    """The present instant, UTC."""
    present = Timestamp()
    present.GetCurrentTime()
    return present


def set_up_log(name: str) -> None:
    """Log lines to standard error, each with the name of the process."""
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format=f"%(asctime)s {name} %(levelname)s %(message)s"
    )


def collect_seldom() -> None:
    """Look for unreachable cycles seldom, in a process that keeps most of what it makes.

    What a journal folds into holds no cycles; looking through it over and over took a quarter of the fold.
    """
    gc.set_threshold(*COLLECT_AFTER)


def main(service: str, run: Callable[[Settings], Coroutine[Any, Any, None]]) -> None:
    """Run one service until it is told to stop; exits 1 with one line where it cannot start."""
    set_up_log(service)
    try:
        asyncio.run(run(from_environment(service, os.environ)))
    except SpottedError as error:
        logging.getLogger("spotted").error("%s: %s", error.reason, error)  # noqa: TRY400 - the line says all
        sys.exit(FAILED)
