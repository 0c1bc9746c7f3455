"""Log lines: of the call that they were made in, for people or as one JSON object a line.

What a call brings with it (coordinates, images, vectors, tokens) is never put into a line.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import NamedTuple

REQUEST_ID = "x-request-id"
# other ids are replaced: what a caller sends is repeated in log lines, and must hold no text of its own,
# no number with a point and no token, all of which have other signs
_SANE = re.compile(r"[0-9A-Za-z-]{1,64}")


class Call(NamedTuple):
    """The rpc that is being served here: its request id and its method, "" outside of any."""

    request_id: str = ""
    method: str = ""


_NONE = Call()
_call: ContextVar[Call] = ContextVar("spotted_call", default=_NONE)


def current() -> Call:
    """The call that is being served in this context."""
    return _call.get()


def enter(call: Call) -> None:
    """Lines of this context belong to a call from now on; threads of asyncio.to_thread follow."""
    _call.set(call)


def sane(request_id: object) -> str:
    """A request id as a caller sent it, or "" where it must not be repeated."""
    return request_id if isinstance(request_id, str) and _SANE.fullmatch(request_id) else ""


class TextFormatter(logging.Formatter):
    """Lines for people; the request id stands behind the message where there is one."""

    def __init__(self, service: str) -> None:
        super().__init__(f"%(asctime)s {service} %(levelname)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """The line without what an exception adds."""
        line, call = super().formatMessage(record), current()
        return f"{line} [{call.request_id}]" if call.request_id else line


class JsonFormatter(logging.Formatter):
    """One JSON object a line; an exception's trace is in its `trace`.

    trace_id: what tells the trace of the present context, "" where there is none.
    """

    def __init__(self, service: str, trace_id: Callable[[], str]) -> None:
        super().__init__()
        self._service = service
        self._trace_id = trace_id

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        call = current()
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "service": self._service,
            "message": record.getMessage(),
            "request_id": call.request_id,
            "trace_id": self._trace_id(),
            "method": call.method,
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line)


def set_up(service: str, style: str, trace_id: Callable[[], str] = str) -> None:
    """Send log lines of level INFO and above to standard error, as text or json; may be repeated."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(service, trace_id) if style == "json" else TextFormatter(service))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
