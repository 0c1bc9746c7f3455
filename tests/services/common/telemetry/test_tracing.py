from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from services.common.telemetry import logs, tracing
from tests.services.observed import Collector, collecting
from tests.waiting import PATIENCE_S


@contextmanager
def traced() -> Iterator[Collector]:
    """Traces of this process in a collector, which has them all once the context is left."""
    with collecting() as (collector, endpoint):
        tracing.start("a service", endpoint)
        try:
            yield collector
        finally:
            tracing.stop()


def ids(collector: Collector) -> dict[str, tuple[bytes, bytes, bytes]]:
    """Trace, id and parent id of each span, by name."""
    return {s.name: (s.trace_id, s.span_id, s.parent_span_id) for _, s in collector.spans}


def test_without_an_endpoint_nothing_is_traced() -> None:
    tracing.start("a service", "")
    assert tracing.begin("s", "m", ()) is None
    with tracing.span("work"):
        assert tracing.trace_id() == ""
        assert tracing.outgoing() == []
    tracing.record([("work", 1.0)])
    tracing.stop()


def test_services_that_trace_nothing_start_if_the_extra_is_not_installed() -> None:
    program = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] == 'opentelemetry': raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "import services.sampler.__main__, services.scorer.__main__\n"
        "from services.common.telemetry import tracing; tracing.start('a', '')\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=PATIENCE_S)


def test_a_missing_extra_is_named_with_the_remedy() -> None:
    program = (
        "import sys\n"
        "from services.common.telemetry import tracing\n"
        # as if the extra were not installed
        "sys.meta_path = []\n"
        "from spotted.errors import PreconditionError\n"
        "try: tracing.start('a', 'http://127.0.0.1:1')\n"
        "except PreconditionError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, timeout=PATIENCE_S, capture_output=True, text=True
    )
    assert "spotted[otel]" in done.stdout
    assert "SPOTTED_TRACES" in done.stdout


def test_work_in_other_threads_and_processes_belongs_to_the_call() -> None:
    headers: list[tuple[str, str]] = []

    def in_thread() -> None:
        with tracing.span("in a thread"):
            headers.extend(tracing.outgoing())

    with traced() as collector:
        logs.enter(logs.Call("id-1", "NextPairs"))
        with tracing.span("call"):
            work = tracing.carried(in_thread)
            trace_id = tracing.trace_id()
        thread = Thread(target=work)
        thread.start()
        thread.join()
        logs.enter(logs.Call())
        # as another process would
        with tracing.continued(headers, "planning"):
            assert logs.current() == logs.Call("id-1", "planning")
            with tracing.span("elsewhere"):
                assert tracing.trace_id() == trace_id
        assert logs.current() == logs.Call()
    found = ids(collector)
    assert {trace.hex() for trace, _, _ in found.values()} == {trace_id}
    assert found["in a thread"][2] == found["call"][1]
    assert found["elsewhere"][2] == found["in a thread"][1]
    assert dict(headers)["x-request-id"] == "id-1"


def test_stages_that_are_over_follow_one_another() -> None:
    with traced() as collector, tracing.span("call"):
        tracing.record([("queue", 0.5), ("infer", 0.25)])
    spans = {span.name: span for _, span in collector.spans}
    queue, infer = spans["queue"], spans["infer"]
    assert (queue.end_time_unix_nano - queue.start_time_unix_nano) / 1e9 == pytest.approx(0.5, abs=1e-5)
    assert (infer.end_time_unix_nano - infer.start_time_unix_nano) / 1e9 == pytest.approx(0.25, abs=1e-5)
    assert queue.end_time_unix_nano == pytest.approx(infer.start_time_unix_nano, abs=10_000)
    assert queue.parent_span_id == infer.parent_span_id == spans["call"].span_id


def test_what_an_error_says_stays_out_of_spans() -> None:
    with traced() as collector, pytest.raises(ValueError, match="secret"), tracing.span("call"):
        raise ValueError("secret")
    ((_, span),) = collector.spans
    assert span.status.code == Status.STATUS_CODE_ERROR
    assert not span.events
    assert "secret" not in str(span)
