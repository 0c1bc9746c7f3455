"""The messages of the processes' logs, without time, process and level."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path

LAST_LINES = 200
# time, process, level and reason at the start of a line: the first form is a service's, the other the store's
HEAD = re.compile(
    r"\d{4}-\d\d-\d\d [\d:,]+ \w+ [A-Z]+ ([A-Z_]+: )?|\d+:[A-Z] \d+ \w+ \d{4} [\d:.]+ [#*.-] (Fatal error, )?"
)


def last_message(log: Path) -> str:
    """The message of the last line of a log; "(nothing)" if the log is empty.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     log = Path(folder) / "scorer.log"
    ...     line = "2026-11-30 09:20:01,123 scorer ERROR INVALID_INPUT: no port 99999; use 1 to 65535"
    ...     written = log.write_text(line)
    ...     last_message(log)
    'no port 99999; use 1 to 65535'
    """
    lines = last_lines(log)
    if not lines:
        return "(nothing)"
    line = lines[-1]
    with suppress(ValueError, KeyError, TypeError):
        line = str(json.loads(line)["message"])
    return HEAD.sub("", line, count=1) if HEAD.match(line) else line


def last_lines(log: Path) -> list[str]:
    """The last lines of a log, with all that they contain; empty if there is none."""
    try:
        return log.read_text(errors="replace").splitlines()[-LAST_LINES:]
    except FileNotFoundError:
        return []
