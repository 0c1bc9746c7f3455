"""Prometheus metrics of all services: their definitions and the HTTP server for them.

Names and latency buckets follow gRPC's own server metrics (gRFC A66) and Prometheus' conventions. No label
has a value that a caller chose: no survey, session, annotator, organisation, token or location.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Thread
from wsgiref.simple_server import WSGIServer

from prometheus_client import Counter, Gauge, Histogram, Info, start_http_server

from spotted import __version__
from spotted.errors import InvalidInputError, SpottedError, UnavailableError

# all labels of all metrics; tests compare the registry with it
LABELS = frozenset({"service", "method", "status", "stage", "kind", "reason", "version"})
# unregistered methods are counted as this one, so that callers cannot invent labels (A66)
OTHER = "other"

# bounds of A66, seconds
_LATENCY_S = (
    0, 0.00001, 0.00005, 0.0001, 0.0003, 0.0006, 0.0008, 0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.008,
    0.01, 0.013, 0.016, 0.02, 0.025, 0.03, 0.04, 0.05, 0.065, 0.08, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3, 0.4,
    0.5, 0.65, 0.8, 1, 2, 5, 10, 20, 50, 100,
)  # fmt: skip
# for work inside a service; finer bounds would add nothing
_WORK_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)

_BUILD = Info("spotted_build", "Version of this process.")
_RPC = ("service", "method")
_RPC_STARTED = Counter("spotted_rpc_started", "Calls that arrived.", _RPC)
_RPC_SECONDS = Histogram(
    "spotted_rpc_duration_seconds",
    "Time from arrival to the last response, by the status sent to the caller.",
    (*_RPC, "status"),
    buckets=_LATENCY_S,
)
_RPC_RECEIVED = Counter("spotted_rpc_received_bytes", "Size of the messages that arrived.", _RPC)
_RPC_SENT = Counter("spotted_rpc_sent_bytes", "Size of the messages that were sent.", _RPC)

_STORE_SECONDS = Histogram(
    "spotted_store_duration_seconds", "Time of a round trip to the store, including retries.", ("kind",),
    buckets=_WORK_S,
)  # fmt: skip
_STORE_ERRORS = Counter("spotted_store_errors", "Round trips to the store that failed.", ("kind",))
JOURNAL_RACES = Counter("spotted_journal_races", "Appends decided again because another writer was first.")

EMBED_QUEUE_DEPTH = Gauge("spotted_embed_queue_depth", "Images waiting for a worker.")
EMBED_QUEUE_BYTES = Gauge("spotted_embed_queue_bytes", "Bytes of images admitted and not yet finished.")
EMBED_QUEUE_LIMIT = Gauge("spotted_embed_queue_limit", "Most crops admitted and not yet finished.")
EMBED_BATCH_CROPS = Histogram(
    "spotted_embed_batch_crops", "Crops in a batch.", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256)
)
_EMBED_STAGE_SECONDS = Histogram(
    "spotted_embed_stage_duration_seconds",
    "Time in a stage: queue, decode and prepare of each image, infer of each batch.",
    ("stage",),
    buckets=_WORK_S,
)
EMBED_QUEUE_S, EMBED_DECODE_S, EMBED_PREPARE_S, EMBED_INFER_S = (
    _EMBED_STAGE_SECONDS.labels(stage) for stage in ("queue", "decode", "prepare", "infer")
)
EMBED_SEGMENT_SECONDS = Histogram(
    "spotted_embed_segment_duration_seconds", "Time to find the animal in a box; part of prepare.",
    buckets=_WORK_S,
)  # fmt: skip
_EMBED_REFUSED = Counter("spotted_embed_refused", "Images that were not embedded.", ("reason",))
EMBED_REFUSED_FULL, EMBED_REFUSED_LATE = (
    _EMBED_REFUSED.labels(reason) for reason in ("queue_full", "deadline")
)

SURVEYS_IN_MEMORY = Gauge("spotted_surveys_in_memory", "Surveys in the scorer's memory.")
SURVEYS_BYTES = Gauge("spotted_surveys_bytes", "Approximate memory of these surveys.")
LISTS_BYTES = Gauge("spotted_candidate_lists_bytes", "Memory of candidate lists of whole surveys.")
SURVEYS_BUDGET_BYTES = Gauge("spotted_surveys_budget_bytes", "Memory limit for surveys.")
SURVEYS_EVICTED = Counter("spotted_surveys_evicted", "Surveys dropped from memory to make room.")
VECTORS_MOVED_BYTES = Counter("spotted_vectors_moved_bytes", "Vectors moved from the store to blocks.")
VECTORS_LEFT_BYTES = Gauge("spotted_vectors_left_bytes", "Vectors in the store that no block has yet.")
VECTORS_FAILED = Counter("spotted_vectors_failed", "Failed attempts to move vectors or sweep blocks.")
RANKING_SECONDS = Histogram(
    "spotted_ranking_duration_seconds", "Time to rank the candidates of one call.",
    buckets=_WORK_S,
)  # fmt: skip
DETECTIONS_SCORED = Counter("spotted_detections_scored", "Detections whose candidates were ranked.")

SESSIONS_OPEN = Gauge("spotted_sessions_open", "Sessions in the sampler's memory.")
_LABELS = Counter("spotted_labels", "Labels stored, by answer.", ("kind",))
LABELS_BY_ANSWER = tuple(
    _LABELS.labels(kind) for kind in ("other", "same", "different", "not_comparable", "skip")
)
LABEL_CONFLICTS = Counter("spotted_label_conflicts", "Labels that contradict earlier ones.")
QUESTIONS = Counter("spotted_questions", "Questions leased to annotators.")
PLANNING_SECONDS = Histogram(
    "spotted_planning_duration_seconds", "Time to plan a round, including the wait for a planner.",
    buckets=_WORK_S,
)  # fmt: skip
PLANNING_FAILED = Counter("spotted_planning_failures", "Rounds that could not be planned.")
ROUNDS = Counter("spotted_rounds", "Rounds planned and stored.")
PLANNER_RESTARTS = Counter("spotted_planner_restarts", "Restarts of planning processes that died.")


class RpcMetrics:
    """The metrics of one rpc, with their labels resolved once."""

    def __init__(self, service: str, method: str) -> None:
        self._names = service, method
        self._started = _RPC_STARTED.labels(service, method)
        self._finished: dict[str, Histogram] = {}
        self.received_bytes = _RPC_RECEIVED.labels(service, method)
        self.sent_bytes = _RPC_SENT.labels(service, method)

    def start(self) -> None:
        """Count an incoming call."""
        self._started.inc()

    def finish(self, status: str, seconds: float) -> None:
        """Count a finished call and its duration."""
        if status not in self._finished:
            self._finished[status] = _RPC_SECONDS.labels(*self._names, status)
        self._finished[status].observe(seconds)


@cache
def rpc(service: str, method: str) -> RpcMetrics:
    """The metrics of a registered rpc, or of OTHER."""
    return RpcMetrics(service, method)


class _Kind:
    """The metrics of store reads or of store writes."""

    def __init__(self, kind: str) -> None:
        self.seconds = _STORE_SECONDS.labels(kind)
        self.errors = _STORE_ERRORS.labels(kind)


_KINDS = {kind: _Kind(kind) for kind in ("read", "write")}


@contextmanager
def store_command(kind: str) -> Iterator[None]:
    """Measure one round trip to the store, a "read" or a "write", and count failures."""
    metrics = _KINDS[kind]
    started = time.perf_counter()
    try:
        yield
    except SpottedError:
        metrics.errors.inc()
        raise
    finally:
        metrics.seconds.observe(time.perf_counter() - started)


def serve(listen: str) -> tuple[WSGIServer, Thread]:
    """Serve the metrics over HTTP; returns the server and its thread.

    listen: host:port. Raises InvalidInputError if it is invalid, UnavailableError if the port is in use.
    """
    _BUILD.info({"version": __version__})
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit():
        raise InvalidInputError(f"SPOTTED_METRICS_LISTEN is {listen!r}; use host:port, e.g. 127.0.0.1:9101")
    try:
        return start_http_server(int(port), addr=host.strip("[]"))
    except (OSError, OverflowError) as error:
        raise UnavailableError(
            f"cannot serve metrics on {listen} ({error}); another process may use the port: stop it, or set "
            "SPOTTED_METRICS_LISTEN to another address"
        ) from error
