"""Candidates of detections, stored or not, with the filters and the evidence that people ask for."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from services.common.telemetry import metrics
from services.scorer.filters import Filter, Rule, Rules
from services.scorer.scored_surveys import Scored
from services.scorer.survey_fields import outside_period
from spotted.arrays import BoolArray, Float32Array, IntArray
from spotted.errors import InvalidInputError, NotFoundError
from spotted.ranking.by_individual import top_individuals
from spotted.ranking.gallery import Gallery, Ranked
from spotted.ranking.unstored_query import VISITOR, Visitor, visit
from spotted.scoring import geometry
from spotted.scoring.feasibility import needed_speed_kmh, reason, softened_journey
from spotted.scoring.fusion import Fusion
from spotted.survey import Detection, detection_table


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many candidates, by which score, who may be one, and whether each individual comes once."""

    k: int
    fusion: Fusion = Fusion.PRODUCT
    rules: Rules = field(default_factory=Rules)
    group_by_individual: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """A ranked candidate in words and numbers; feasibility None where unknown."""

    detection_id: str
    individual_id: str
    visual: float
    feasibility: float | None
    fused: float
    reason: str


@dataclass(frozen=True, slots=True)
class CandidateList:
    """A detection's candidates, best first, how many were compared, and how many each rule left out."""

    detection_id: str
    candidates: tuple[Evidence, ...]
    compared: int
    excluded: tuple[tuple[Rule, int], ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything known about one pair; None where unknown. percentile: 0 to 100."""

    evidence: Evidence
    distance_m: float | None
    gap_s: float | None
    needed_speed_kmh: float | None
    percentile: float


def candidate_lists(scored: Scored, detection_ids: Sequence[str], wanted: Wanted) -> Iterator[CandidateList]:
    """The candidates of the detections named, or of all. Raises NotFoundError, InvalidInputError."""
    snapshot = scored.snapshot
    sieve = Filter(wanted.rules, scored.columns, snapshot)
    for ranked in _timed(_ranked(scored, _asking(scored, detection_ids), wanted, sieve)):
        query = snapshot.detections[ranked.query]
        evidence = _evidence(scored.gallery, snapshot.detections, ranked, query)
        yield CandidateList(
            query.detection_id, tuple(evidence), ranked.compared, sieve.excluded(query, ranked.query)
        )


def ranked_candidates(scored: Scored, detection_ids: Sequence[str], wanted: Wanted) -> Iterator[Ranked]:
    """The same candidates as rows of the survey and scores, nothing put in words for each."""
    sieve = Filter(wanted.rules, scored.columns, scored.snapshot)
    yield from _timed(_ranked(scored, _asking(scored, detection_ids), wanted, sieve))


def query_candidates(
    scored: Scored, detection: Detection, vector: Float32Array, wanted: Wanted
) -> CandidateList:
    """The candidates of a detection that is not stored, as if it were the survey's last.

    vector: (D,) unit, through the active head where there is one.
    """
    snapshot = scored.snapshot
    camera = snapshot.cameras.get(detection.camera_id)
    if detection.camera_id and camera is None:
        raise NotFoundError(f"camera {detection.camera_id!r} is not in the survey; add it with UpsertCameras")
    fault = outside_period(detection, camera)
    if fault:
        raise InvalidInputError(
            f"{fault}; correct the time, or the camera's period", field="detection.captured_at"
        )
    sieve = Filter(wanted.rules, scored.columns, snapshot)
    visitor = Visitor(vector, detection_table([detection], snapshot.cameras))
    with metrics.RANKING_SECONDS.time():
        ranked = _visited(scored, visitor, wanted, sieve.competes(detection))
    metrics.DETECTIONS_SCORED.inc()
    evidence = _evidence(scored.gallery, snapshot.detections, ranked, detection, visitor)
    return CandidateList(detection.detection_id, tuple(evidence), ranked.compared, sieve.excluded(detection))


def explain(scored: Scored, first_id: str, second_id: str, fusion: Fusion) -> Explanation:
    """Everything known about one pair of stored detections. Raises NotFoundError, InvalidInputError."""
    if first_id == second_id:
        raise InvalidInputError(f"the pair names {first_id!r} twice; name two detections", field="pair")
    snapshot, gallery = scored.snapshot, scored.gallery
    first, second = (np.array([snapshot.row(i)]) for i in (first_id, second_id))
    ranked_among = _rivals(gallery, int(first[0]))
    scores = gallery.score_pairs(first, second, fusion)
    others = gallery.score_pairs(np.full(len(ranked_among), first[0]), ranked_among, fusion).fused
    below = float((others < scores.fused[0]).mean() * 100.0) if len(others) else 0.0
    distance = geometry.distance_m(gallery.table, first, second)
    gap = geometry.gap_s(gallery.table, first, second)
    ranked = Ranked(int(first[0]), second, scores, len(ranked_among))
    (evidence,) = _evidence(gallery, snapshot.detections, ranked, snapshot.detections[first[0]])
    return Explanation(
        evidence,
        _or_none(float(distance[0])),
        _or_none(float(gap[0])),
        _or_none(float(needed_speed_kmh(distance, gap)[0])),
        below,
    )


def _asking(scored: Scored, detection_ids: Sequence[str]) -> IntArray:
    """The rows of the detections named, or of all."""
    if not detection_ids:
        return np.arange(len(scored.snapshot.detections))
    return np.array([scored.snapshot.row(i) for i in detection_ids], dtype=np.int64)


def _ranked(scored: Scored, queries: IntArray, wanted: Wanted, sieve: Filter) -> Iterator[Ranked]:
    fusion, allowed = scored.fusion(wanted.fusion), sieve.allowed()

    def top_k(rows: IntArray, k: int) -> Iterable[Ranked]:
        return scored.gallery.top_k(rows, k, fusion=fusion, allowed=allowed, threads=scored.threads)

    if wanted.group_by_individual:
        return top_individuals(top_k, queries, wanted.k, scored.columns.individual.number)
    if allowed is None and len(queries) == len(scored.gallery):
        standing = scored.standing(wanted.k, wanted.fusion)
        if standing is not None:
            return standing.ranked(scored.gallery, queries, wanted.k)
    return iter(top_k(queries, wanted.k))


def _timed(ranked: Iterator[Ranked]) -> Iterator[Ranked]:
    """The same, with the time that ranking takes observed, and not the time that others take between."""
    spent_s, count = 0.0, 0
    try:
        while True:
            started = time.perf_counter()
            one = next(ranked, None)
            spent_s += time.perf_counter() - started
            if one is None:
                return
            count += 1
            yield one
    finally:
        metrics.RANKING_SECONDS.observe(spent_s)
        metrics.DETECTIONS_SCORED.inc(count)


def _visited(scored: Scored, visitor: Visitor, wanted: Wanted, competes: BoolArray) -> Ranked:
    fusion = scored.fusion(wanted.fusion)

    def visited(_: IntArray, k: int) -> Iterable[Ranked]:
        yield visit(scored.gallery, visitor, k, fusion=fusion, competes=competes, threads=scored.threads)

    itself = np.array([VISITOR])
    if wanted.group_by_individual:
        return next(top_individuals(visited, itself, wanted.k, scored.columns.individual.number))
    return next(iter(visited(itself, wanted.k)))


def _rivals(gallery: Gallery, row: int) -> IntArray:
    everyone = np.arange(len(gallery))
    return everyone[~geometry.same_image(gallery.table, np.array([row]), everyone)]


def _evidence(
    gallery: Gallery,
    detections: Sequence[Detection],
    ranked: Ranked,
    query: Detection,
    visitor: Visitor | None = None,
) -> Iterator[Evidence]:
    table = gallery.table.at(ranked.rows)
    asking = visitor.table if visitor else gallery.table.at(np.array([ranked.query]))
    count = len(ranked.rows)
    last, all_others = np.full(count, count), np.arange(count)
    distance, gap = softened_journey(table.followed_by(asking), last, all_others, gallery.params)
    for place, row in enumerate(ranked.rows.tolist()):
        candidate = detections[row]
        words = "two animals in one image"
        if not query.image_id or query.image_id != candidate.image_id:
            cameras = query.camera_id, candidate.camera_id
            words = reason(float(distance[place]), float(gap[place]), cameras, gallery.params)
        yield Evidence(
            candidate.detection_id,
            candidate.individual_id,
            float(ranked.scores.visual[place]),
            _or_none(float(ranked.scores.feasibility[place])),
            float(ranked.scores.fused[place]),
            words,
        )


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value
