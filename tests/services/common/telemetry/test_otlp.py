from __future__ import annotations

import asyncio
import threading

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from services.common.telemetry.otlp import FAULTS, LAST_EXPORT_S, OtlpSpans
from tests.services.observed import collecting
from tests.waiting import until

# from the W3C recommendation
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"


def served(status: str, *headers: tuple[str, str | bytes]) -> tuple[str, Span]:
    """The span of an rpc with this status, and the service that the collector received."""

    async def serve(spans: OtlpSpans) -> None:
        spans.begin("spotted.v1.ScorerService", "GetSurvey", headers)(status)

    with collecting() as (collector, endpoint):
        spans = OtlpSpans("scorer", endpoint)
        asyncio.run(serve(spans))
        spans.stop()
    (found,) = collector.spans
    return found


def test_a_span_goes_on_where_the_callers_is() -> None:
    service, span = served("OK", ("traceparent", TRACEPARENT), ("authorization", "secret"))
    assert service == "scorer"
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
    assert (span.name, span.kind) == ("spotted.v1.ScorerService/GetSurvey", Span.SPAN_KIND_SERVER)
    assert "secret" not in str(span)


@pytest.mark.parametrize("header", ["", "nonsense", f"00-{'0' * 32}-{PARENT}-01", TRACEPARENT.encode()])
def test_an_invalid_header_begins_a_new_trace(header: str | bytes) -> None:
    _, span = served("OK", ("traceparent", header))
    assert span.trace_id.hex() not in {TRACE, "0" * 32}
    assert span.parent_span_id == b""


@pytest.mark.parametrize("status", ["OK", "NOT_FOUND", "INVALID_ARGUMENT", "UNAVAILABLE", "INTERNAL"])
def test_only_the_servers_own_faults_are_errors(status: str) -> None:
    _, span = served(status)
    assert (span.status.code == Status.STATUS_CODE_ERROR) == (status in FAULTS)
    assert {a.key: a.value.string_value for a in span.attributes} == {
        "rpc.system": "grpc",
        "rpc.service": "spotted.v1.ScorerService",
        "rpc.method": "GetSurvey",
        "rpc.response.status_code": status,
    }


def test_a_caller_that_does_not_sample_is_followed() -> None:
    with collecting() as (collector, endpoint):
        spans = OtlpSpans("scorer", endpoint)
        with spans.continued([("traceparent", TRACEPARENT.replace("-01", "-00"))]), spans.span("work"):
            assert spans.trace_id() == TRACE
            (header,) = [value for name, value in spans.headers() if name == "traceparent"]
            assert header.endswith("-00")
        spans.stop()
    assert collector.spans == []


def test_an_export_may_take_as_long_as_a_service_waits_for_its_last_one() -> None:
    with collecting() as (collector, endpoint):
        spans = OtlpSpans("scorer", endpoint)
        with spans.span("work"):
            pass
        spans.stop()
    (allowed_s,) = collector.allowed_s
    assert 0 < allowed_s <= LAST_EXPORT_S


def test_a_collector_that_is_gone_leaves_no_thread_that_waits_for_it() -> None:
    before = set(threading.enumerate())
    spans = OtlpSpans("scorer", "http://127.0.0.1:1")
    with spans.span("work"):
        pass
    sending = set(threading.enumerate()) - before
    assert sending
    spans.stop()
    until(lambda: not any(thread.is_alive() for thread in sending), "the sending thread ended")
