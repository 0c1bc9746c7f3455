"""Log lines with the request id of their call, as text or as one JSON object per line.

Content of a call (coordinates, images, vectors, tokens) is never logged.
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

from grpc._cython import cygrpc

REQUEST_ID = "x-request-id"
# other ids are replaced: an id is repeated in log lines, so it must not be able to contain a sentence, a
# coordinate or a token, all of which have other characters
_SANE = re.compile(r"[0-9A-Za-z-]{1,64}")


class Call(NamedTuple):
    """The current rpc: its request id and its method, "" outside of a call."""

    request_id: str = ""
    method: str = ""


_NONE = Call()
_call: ContextVar[Call] = ContextVar("spotted_call", default=_NONE)


def current() -> Call:
    """The call of this context."""
    return _call.get()


def enter(call: Call) -> None:
    """Assign the log lines of this context to a call, in threads of asyncio.to_thread too."""
    _call.set(call)


def sane(request_id: object) -> str:
    """A caller's request id, or "" if it must not be logged."""
    return request_id if isinstance(request_id, str) and _SANE.fullmatch(request_id) else ""


class TextFormatter(logging.Formatter):
    """Text lines; the request id, if any, follows the message."""

    def __init__(self, service: str) -> None:
        super().__init__(f"%(asctime)s {service} %(levelname)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """The line without an exception's trace."""
        line, call = super().formatMessage(record), current()
        return f"{line} [{call.request_id}]" if call.request_id else line


class JsonFormatter(logging.Formatter):
    """One JSON object per line; an exception's trace is in its `trace`."""

    def __init__(self, service: str, trace_id: Callable[[], str]) -> None:
        """Begin. trace_id: returns the id of the current trace, "" without one."""
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
    """Send log lines of level INFO and above to standard error, as text or json; may be called again."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_concerns_a_caller_that_is_there)
    handler.setFormatter(JsonFormatter(service, trace_id) if style == "json" else TextFormatter(service))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def _concerns_a_caller_that_is_there(record: logging.LogRecord) -> bool:
    """False for gRPC's own trace of an answer whose caller has gone, which is no fault of the service."""
    error = record.exc_info[1] if record.exc_info else None
    return record.name != cygrpc.__name__ or not isinstance(error, cygrpc.ExecuteBatchError)
