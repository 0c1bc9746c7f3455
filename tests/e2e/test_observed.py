"""Metrics, traces and logs of a run, and what must never appear in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.common.telemetry import metrics
from tests.services import observed
from tests.services.observed import Seen, observe

# labels that Prometheus and its client library add
THEIRS = {"le", "implementation", "major", "minor", "patchlevel", "version", "generation"}
OF_PLANNER = "plan in its process"


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, store_url: str, models: Path) -> Seen:
    return observe(tmp_path_factory.mktemp("observed"), store_url, models, "survey-of-quolls")


def test_labels_of_metrics_are_few_and_hold_nothing_that_a_caller_sent(seen: Seen) -> None:
    samples = [sample for metric in seen.metrics() for sample in metric.samples]
    assert {label for sample in samples for label in sample.labels} <= metrics.LABELS | THEIRS
    for text in seen.exposed.values():
        for private in (seen.survey_id, "quolls", observed.ANNOTATOR, observed.TOKEN, *observed.COORDINATES):
            assert private not in text
    assert {metric.name.split("_")[0] for metric in seen.metrics()} == {"spotted", "python", "process"}


def test_what_was_done_is_counted(seen: Seen) -> None:
    counted = {
        ("embedder", "spotted_embed_stage_duration_seconds_count", "queue"): 1,
        ("embedder", "spotted_embed_stage_duration_seconds_count", "decode"): 1,
        ("embedder", "spotted_embed_stage_duration_seconds_count", "prepare"): 1,
        ("embedder", "spotted_embed_stage_duration_seconds_count", "infer"): 1,
    }
    for (role, name, stage), count in counted.items():
        assert seen.total(role, name, stage=stage) == count
    assert seen.total("embedder", "spotted_embed_batch_crops_sum") == 1
    for gauge in ("spotted_embed_queue_depth", "spotted_embed_queue_bytes"):
        assert seen.total("embedder", gauge) == 0
    assert seen.total("scorer", "spotted_surveys_in_memory") >= 1
    assert seen.total("scorer", "spotted_surveys_bytes") > 0
    assert seen.total("scorer", "spotted_ranking_duration_seconds_count") >= 1
    assert seen.total("scorer", "spotted_detections_scored_total") >= 8
    assert seen.total("sampler", "spotted_labels_total", kind="same") == 1
    assert seen.total("sampler", "spotted_labels_total") == 1
    assert seen.total("sampler", "spotted_questions_total") >= 2
    assert seen.total("sampler", "spotted_rounds_total") == 2
    assert seen.total("sampler", "spotted_planning_duration_seconds_count") >= 1
    assert seen.total("sampler", "spotted_sessions_open") >= 1
    for role in ("scorer", "sampler"):
        for kind in ("read", "write"):
            assert seen.total(role, "spotted_store_duration_seconds_count", kind=kind) > 0
        assert seen.total(role, "spotted_store_errors_total") == 0


def test_logs_are_json_and_hold_no_place_no_picture_and_no_token(seen: Seen) -> None:
    assert {line["service"] for line in seen.lines} >= {"embedder", "scorer", "sampler"}
    wanted = {"time", "level", "service", "message", "request_id", "trace_id", "method"}
    assert all(wanted <= line.keys() for line in seen.lines)
    for text in seen.logs.values():
        secret = observed.TOKEN.rpartition("_")[2]
        pictures = "IMAGE-BYTES", "xff", "\\u00ff"
        for private in (*observed.COORDINATES, *pictures, observed.TOKEN, secret):
            assert private not in text


def test_a_line_of_a_call_is_found_by_the_id_that_its_caller_gave(seen: Seen) -> None:
    found = [line for line in seen.lines if line["request_id"] == observed.REQUEST_ID]
    # recorded in the thread that plans
    (line,) = [line for line in found if line["message"].startswith("a planning process ended")]
    assert (line["service"], line["method"], len(line["trace_id"])) == ("sampler", "NextPairs", 32)
    assert seen.total("sampler", "spotted_planner_restarts_total") == 1


def test_one_question_is_one_trace_through_sampler_planner_and_scorer(seen: Seen) -> None:
    spans = {span.span_id: (service, span) for service, span in seen.spans}
    # the last planner was not killed, so that all of its spans came
    every = [s for service, s in seen.spans if service == "sampler" and s.name.endswith("/NextPairs")]
    planned = next(s for service, s in seen.spans if service == "sampler planning" and s.name == OF_PLANNER)
    (asked,) = [span for span in every if span.trace_id == planned.trace_id]
    trace = [(service, span) for service, span in seen.spans if span.trace_id == asked.trace_id]
    assert {service for service, _ in trace} == {"sampler", "sampler planning", "scorer"}
    for service, span in trace:
        if span is asked:
            continue
        parent_service, parent = spans[span.parent_span_id]
        if service == "scorer" and span.name.startswith("spotted."):
            assert parent_service in {"sampler", "sampler planning"}
        assert parent.trace_id == span.trace_id
    names = {span.name for _, span in trace}
    assert {"plan", OF_PLANNER, "store read", "store write"} <= names
    assert {"queue", "prepare", "infer"} <= {
        span.name for service, span in seen.spans if service == "embedder"
    }


def test_spans_say_which_rpc_and_how_it_ended_and_hold_nothing_private(seen: Seen) -> None:
    ended = set()
    for _, span in seen.spans:
        attributes = {a.key: a.value.string_value for a in span.attributes}
        if span.name.startswith("spotted."):
            assert attributes["rpc.system"] == "grpc"
            assert f"{attributes['rpc.service']}/{attributes['rpc.method']}" == span.name
            ended.add(attributes["rpc.response.status_code"])
        else:
            assert not attributes
        assert not span.events
    assert ended >= {"OK", "NOT_FOUND", "INVALID_ARGUMENT"}
    assert not [span for _, span in seen.spans if "grpc.health" in span.name]
