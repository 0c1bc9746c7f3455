"""The process of the review page."""

from __future__ import annotations

import logging
import os
import sys

import uvicorn

from services.common.telemetry import logs
from services.review.server import application
from services.review.settings import ReviewSettings, from_environment
from spotted.errors import SpottedError

FAILED = 1
# streams of progress never end by themselves
STOP_S = 3


def serve(settings: ReviewSettings) -> None:
    """Serve until SIGTERM or SIGINT."""
    host, _, port = settings.listen.rpartition(":")
    config = uvicorn.Config(
        application(settings),
        host=host.strip("[]"),
        port=int(port),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=STOP_S,
    )
    uvicorn.Server(config).run()


def main() -> None:
    """Run the page; exits with status 1 and one log line if it cannot start."""
    # for the error about invalid settings
    logs.set_up("review", "text")
    try:
        settings = from_environment(os.environ)
        logs.set_up("review", settings.log)
        serve(settings)
    except SpottedError as error:
        logging.getLogger("spotted").error("%s: %s", error.reason, error)  # noqa: TRY400 - no trace needed
        sys.exit(FAILED)


if __name__ == "__main__":
    main()
