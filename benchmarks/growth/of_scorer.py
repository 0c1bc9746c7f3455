"""Costs of a query, new detections and a cold start of the scorer, against the detections of a survey."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median

import grpc

from benchmarks.common import servers
from benchmarks.growth.points import Point, Points
from benchmarks.scorer import ranking, service
from spotted.ranking.gallery import Gallery
from spotted.v1 import scorer_pb2 as pb
from spotted.v1.scorer_pb2_grpc import ScorerServiceStub

DETECTIONS = "scorer, detections of the survey"
# of each new detection
TOP = 20


def measure(points: Points, sizes: Sequence[int], *, new: int, calls: int) -> None:
    """Measure every size that is not known. new: how many detections are added last, and then ranked."""
    if all(points.has(DETECTIONS, size) for size in sizes):
        return
    gallery = ranking.survey(max(sizes), service.DIMENSION)
    stored = 0
    with servers.store() as store:
        for size in sorted(sizes):
            with _scorer(store) as (stub, _):
                if not stored:
                    service.create(stub, gallery)
                stub.AddDetections(service.requests(gallery, stored, size - new))
            if points.has(DETECTIONS, size):
                stored = size - new
                continue
            points.measure(DETECTIONS, size, lambda: _cost(store, gallery, size, new, calls))  # noqa: B023 - called at once
            stored = size


def _cost(store: servers.Store, gallery: Gallery, size: int, new: int, calls: int) -> Point:
    """The cost at one size, of a fresh scorer over a survey that lacks its last `new` detections."""
    asked = service.query(gallery)
    ids = [f"d{row:07}" for row in range(size - new, size)]
    with _scorer(store) as (stub, serving):
        cold_s = _seconds(lambda: stub.QueryCandidates(asked))
        taken_s = [_seconds(lambda: stub.QueryCandidates(asked)) for _ in range(calls)]
        added_s = _seconds(lambda: stub.AddDetections(service.requests(gallery, size - new, size)))
        wanted = pb.GetCandidatesRequest(survey_id=service.SURVEY, detection_ids=ids, top_k=TOP)
        ranked_s = _seconds(lambda: sum(1 for _ in stub.GetCandidates(wanted)))
        return {
            # the first ones are slower: a scorer rounds the vectors of a survey after 64 queries
            "query_ms": median(taken_s[-(calls // 3) :]) * 1e3,
            "added_s": added_s,
            "ranked_s": ranked_s,
            "cold_s": cold_s,
            "resident_mib": serving.resident_mib,
        }


@contextmanager
def _scorer(store: servers.Store) -> Iterator[tuple[ScorerServiceStub, servers.Serving]]:
    with (
        servers.fresh("scorer", store, {}) as serving,
        grpc.insecure_channel(serving.address, service.OPTIONS) as channel,
    ):
        yield ScorerServiceStub(channel), serving


def _seconds(call: Callable[[], object]) -> float:
    begun_s = time.perf_counter()
    call()
    return time.perf_counter() - begun_s
