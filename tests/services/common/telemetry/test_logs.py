from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest
from grpc import aio
from grpc._cython import cygrpc
from hypothesis import given
from hypothesis import strategies as st

from services.common.telemetry import logs
from tests.waiting import PATIENCE_S


def record(message: str, *arguments: object, error: Exception | None = None) -> logging.LogRecord:
    raised = (type(error), error, None) if error else None
    return logging.LogRecord("spotted", logging.WARNING, __file__, 1, message, arguments, raised)


def in_call(request_id: str, formatter: logging.Formatter, line: logging.LogRecord) -> str:
    """The line as it is written while a call is served."""

    async def served() -> str:
        logs.enter(logs.Call(request_id, "GetSurvey"))
        return await asyncio.to_thread(formatter.format, line)

    return asyncio.run(served())


@given(st.text(max_size=40))
def test_a_json_line_is_one_line_and_one_object_whatever_is_logged(message: str) -> None:
    line = logs.JsonFormatter("scorer", lambda: "t" * 32).format(record("%s", message))
    assert len(line.splitlines()) == 1
    entry = json.loads(line)
    assert entry["message"] == message
    assert (entry["level"], entry["service"], entry["trace_id"]) == ("WARNING", "scorer", "t" * 32)
    assert (entry["request_id"], entry["method"]) == ("", "")
    assert datetime.fromisoformat(entry["time"]).tzinfo == UTC


def test_a_trace_stays_in_the_object() -> None:
    line = logs.JsonFormatter("scorer", str).format(record("broken", error=ValueError("why")))
    assert json.loads(line)["trace"] == "ValueError: why"


def test_lines_of_a_call_name_it_and_others_do_not() -> None:
    line = in_call("id-1", logs.JsonFormatter("scorer", str), record("here"))
    assert (json.loads(line)["request_id"], json.loads(line)["method"]) == ("id-1", "GetSurvey")
    formatter = logs.TextFormatter("scorer")
    assert in_call("id-1", formatter, record("here")).endswith("scorer WARNING here [id-1]")
    assert formatter.format(record("here")).endswith("scorer WARNING here")


@pytest.mark.parametrize("good", ["a", "A-1", "123e4567-e89b-12d3-a456-426614174000", "x" * 64])
def test_a_sane_id_is_taken_as_it_is(good: str) -> None:
    assert logs.sane(good) == good


@pytest.mark.parametrize("bad", ["", "a b", "1.5", "spotted_id_secret", "x" * 65, "a\n", "ü", b"bytes", None])
def test_any_other_is_not_repeated(bad: object) -> None:
    assert logs.sane(bad) == ""


@pytest.mark.parametrize(("style", "ends"), [("text", "scorer INFO told"), ("json", "}")])
def test_lines_go_to_standard_error_once_however_often_it_is_set_up(style: str, ends: str) -> None:
    program = (
        "import logging; from services.common.telemetry import logs\n"
        f"logs.set_up('scorer', 'text'); logs.set_up('scorer', {style!r})\n"
        "logging.getLogger('spotted').info('told'); logging.getLogger('spotted').debug('not told')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=PATIENCE_S
    )
    (line,) = done.stderr.splitlines()
    assert line.endswith(ends)
    assert done.stdout == ""


def test_an_answer_whose_caller_has_gone_leaves_no_trace(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("scorer", "text")
    failed = cygrpc.ExecuteBatchError("left")
    logging.getLogger("grpc._cython.cygrpc").error("of gRPC", exc_info=failed)
    logging.getLogger("grpc._cython.cygrpc").error("another", exc_info=ValueError("wrong"))
    logging.getLogger("spotted").error("of ours", exc_info=failed)
    shown = capsys.readouterr().err
    assert "of gRPC" not in shown
    assert "another" in shown
    assert "of ours" in shown


def test_callers_that_go_while_they_are_answered_leave_no_trace(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("scorer", "text")
    asyncio.run(_answer_callers_that_go(100))
    shown = capsys.readouterr().err
    assert "ExecuteBatchError" not in shown


async def _answer_callers_that_go(count: int) -> None:
    async def answers(_: bytes, __: object) -> AsyncIterator[bytes]:
        for _part in range(50):
            yield b"x" * 200_000

    server = aio.server()
    handlers: dict[str, Any] = {"Answers": grpc.unary_stream_rpc_method_handler(answers)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()

    def go() -> None:
        for _ in range(count):
            options = [("grpc.use_local_subchannel_pool", 1)]
            with grpc.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
                ask: Any = channel.unary_stream("/test/Answers")
                next(ask(b"", timeout=PATIENCE_S))

    await asyncio.to_thread(go)
    await server.stop(None)
