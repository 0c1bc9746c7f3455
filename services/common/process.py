"""How a service's process begins and ends: log format, settings, exit status."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from services.common.settings import Settings, from_environment
from spotted.errors import SpottedError

FAILED = 1


def now() -> Timestamp:
    """The present instant, UTC."""
    present = Timestamp()
    present.GetCurrentTime()
    return present


def main(service: str, run: Callable[[Settings], Coroutine[Any, Any, None]]) -> None:
    """Run one service until it is told to stop; exits 1 with one line where it cannot start."""
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format=f"%(asctime)s {service} %(levelname)s %(message)s"
    )
    try:
        asyncio.run(run(from_environment(service, os.environ)))
    except SpottedError as error:
        logging.getLogger("spotted").error("%s: %s", error.reason, error)  # noqa: TRY400 - the line says all
        sys.exit(FAILED)
