"""Candidates of stored and unstored detections, with filters, scores and reasons."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from services.common.survey.filters import Rules
from services.common.survey.periods import Period, outside_period
from services.common.survey.state import Snapshot
from services.common.telemetry import metrics
from services.scorer.filters import Filter
from services.scorer.scored_surveys import ScoredSurvey
from spotted.arrays import BoolArray, Float32Array, IntArray
from spotted.errors import InvalidInputError, NotFoundError, OutsidePeriodError
from spotted.ranking.by_individual import rank_individuals
from spotted.ranking.gallery import Gallery
from spotted.ranking.ranker import Ranked
from spotted.ranking.rules import CandidateRule
from spotted.ranking.unstored_query import UNSTORED, UnstoredQuery, rank_unstored
from spotted.scoring import geometry
from spotted.scoring.feasibility import describe_journey, needed_speed_kmh, softened_journey
from spotted.scoring.fusion import Fusion
from spotted.survey import Detection, detection_table, shared_station


@dataclass(frozen=True, slots=True)
class CandidateQuery:
    """Which candidates a request asks for."""

    k: int
    """Number of candidates of each detection."""
    fusion: Fusion = Fusion.PRODUCT
    rules: Rules = field(default_factory=Rules)
    group_by_individual: bool = False
    """Whether each individual is listed once, by its best detection."""


@dataclass(frozen=True, slots=True)
class ScoredCandidate:
    """A candidate with its scores and the reason for its feasibility."""

    detection_id: str
    individual_id: str
    visual: float
    feasibility: float | None
    """None if unknown."""
    fused: float
    reason: str
    local: float | None = None
    """Local score; None if unknown."""
    marks: int = 0
    """Number of matched marks."""


@dataclass(frozen=True, slots=True)
class CandidateList:
    """The candidates of a detection, best first."""

    detection_id: str
    candidates: tuple[ScoredCandidate, ...]
    compared: int
    """Number of detections that competed."""
    excluded: tuple[tuple[CandidateRule, int], ...]
    """Number of detections that each rule excluded."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything known about one pair; values are None if unknown."""

    candidate: ScoredCandidate
    distance_m: float | None
    gap_s: float | None
    needed_speed_kmh: float | None
    percentile: float
    """Share of the first detection's pairs that score lower, 0 to 100."""
    station: str
    """The station that two cameras share, "" if none."""


def list_candidates(
    scored: ScoredSurvey, detection_ids: Sequence[str], query: CandidateQuery
) -> Iterator[CandidateList]:
    """The candidates of the named detections, or of all. Raises NotFoundError, InvalidInputError."""
    snapshot = scored.snapshot
    sieve = Filter(query.rules, scored.columns, snapshot)
    for ranked in _timed(_ranked(scored, _query_rows(scored, detection_ids), query, sieve)):
        detection = snapshot.detections[ranked.query]
        candidates = _candidates(scored.gallery, snapshot, ranked, detection)
        yield CandidateList(
            detection.detection_id,
            tuple(candidates),
            ranked.compared,
            sieve.excluded(detection, ranked.query),
        )


def rank_candidates(
    scored: ScoredSurvey, detection_ids: Sequence[str], query: CandidateQuery
) -> Iterator[Ranked]:
    """As `list_candidates`, but as rows of the survey with scores, without ids and reasons."""
    sieve = Filter(query.rules, scored.columns, scored.snapshot)
    yield from _timed(_ranked(scored, _query_rows(scored, detection_ids), query, sieve))


def query_candidates(
    scored: ScoredSurvey, detection: Detection, vector: Float32Array, query: CandidateQuery
) -> CandidateList:
    """The candidates of a detection that is not stored, as if it were the survey's last.

    vector: (D,) unit, through the active head if there is one.
    """
    snapshot = scored.snapshot
    camera = snapshot.cameras.get(detection.camera_id)
    if detection.camera_id and camera is None:
        raise NotFoundError(
            f"camera {detection.camera_id!r} is not in survey {snapshot.survey.survey_id!r}; add the camera "
            "first"
        )
    fault = outside_period(detection, camera, Period.of(snapshot.survey))
    if fault:
        raise OutsidePeriodError(
            f"{fault}; correct the time, or widen the period", field="detection.captured_at"
        )
    sieve = Filter(query.rules, scored.columns, snapshot)
    unstored = UnstoredQuery(vector, detection_table([detection], snapshot.cameras))
    with metrics.RANKING_SECONDS.time():
        ranked = _ranked_unstored(scored, unstored, query, sieve.competes(detection))
    metrics.DETECTIONS_SCORED.inc()
    candidates = _candidates(scored.gallery, snapshot, ranked, detection, unstored)
    return CandidateList(
        detection.detection_id, tuple(candidates), ranked.compared, sieve.excluded(detection)
    )


def explain(scored: ScoredSurvey, first_id: str, second_id: str, fusion: Fusion) -> Explanation:
    """Everything known about one pair of stored detections. Raises NotFoundError, InvalidInputError."""
    if first_id == second_id:
        raise InvalidInputError(f"the pair names {first_id!r} twice; name two detections", field="pair")
    snapshot, gallery = scored.snapshot, scored.gallery
    first, second = (np.array([snapshot.row(i)]) for i in (first_id, second_id))
    rivals = _rivals(gallery, int(first[0]))
    scores = gallery.score_pairs(first, second, fusion)
    others = gallery.score_pairs(np.full(len(rivals), first[0]), rivals, fusion).fused
    below = float((others < scores.fused[0]).mean() * 100.0) if len(others) else 0.0
    distance = geometry.distance_m(gallery.table, first, second)
    gap = geometry.believed_gap_s(gallery.table, first, second, gallery.extent)
    ranked = Ranked(int(first[0]), second, scores, len(rivals))
    pair = snapshot.detections[first[0]], snapshot.detections[second[0]]
    (candidate,) = _candidates(gallery, snapshot, ranked, pair[0])
    return Explanation(
        candidate,
        _or_none(float(distance[0])),
        _or_none(float(gap[0])),
        _or_none(float(needed_speed_kmh(distance, gap)[0])),
        below,
        shared_station(snapshot.cameras, pair[0].camera_id, pair[1].camera_id),
    )


def _query_rows(scored: ScoredSurvey, detection_ids: Sequence[str]) -> IntArray:
    """The rows of the named detections, or of all."""
    if not detection_ids:
        return np.arange(len(scored.snapshot.detections))
    return np.array([scored.snapshot.row(i) for i in detection_ids], dtype=np.int64)


def _ranked(scored: ScoredSurvey, rows: IntArray, query: CandidateQuery, sieve: Filter) -> Iterator[Ranked]:
    fusion, allowed = scored.fusion(query.fusion), sieve.allowed()

    def top_k(rows: IntArray, k: int) -> Iterable[Ranked]:
        return scored.ranker.top_k(rows, k, fusion=fusion, allowed=allowed, threads=scored.threads)

    if query.group_by_individual:
        return rank_individuals(top_k, rows, query.k, scored.columns.animal)
    if allowed is None and len(rows) == len(scored.gallery):
        table = scored.candidate_table(query.k, query.fusion)
        if table is not None:
            return table.ranked(scored.gallery, rows, query.k)
    return iter(top_k(rows, query.k))


def _timed(lists: Iterator[Ranked]) -> Iterator[Ranked]:
    """The same lists; observes the time spent on ranking, without that spent by the caller in between."""
    spent_s, count = 0.0, 0
    try:
        while True:
            started = time.perf_counter()
            ranked = next(lists, None)
            spent_s += time.perf_counter() - started
            if ranked is None:
                return
            count += 1
            yield ranked
    finally:
        metrics.RANKING_SECONDS.observe(spent_s)
        metrics.DETECTIONS_SCORED.inc(count)


def _ranked_unstored(
    scored: ScoredSurvey, unstored: UnstoredQuery, query: CandidateQuery, competes: BoolArray
) -> Ranked:
    fusion = scored.fusion(query.fusion)

    def top_k(_: IntArray, k: int) -> Iterable[Ranked]:
        yield rank_unstored(scored.ranker, unstored, k, fusion=fusion, competes=competes, run=scored.run)

    itself = np.array([UNSTORED])
    if query.group_by_individual:
        return next(rank_individuals(top_k, itself, query.k, scored.columns.animal))
    return next(iter(top_k(itself, query.k)))


def _rivals(gallery: Gallery, row: int) -> IntArray:
    everyone = np.arange(len(gallery))
    return everyone[~geometry.same_image(gallery.table, np.array([row]), everyone)]


def _candidates(
    gallery: Gallery,
    snapshot: Snapshot,
    ranked: Ranked,
    query: Detection,
    unstored: UnstoredQuery | None = None,
) -> Iterator[ScoredCandidate]:
    table = gallery.table.at(ranked.rows)
    own = unstored.table if unstored else gallery.table.at(np.array([ranked.query]))
    count = len(ranked.rows)
    last, all_others = np.full(count, count), np.arange(count)
    joined = table.followed_by(own)
    distance, gap = softened_journey(joined, last, all_others, gallery.params)
    doubted = geometry.gap_doubted(joined, last, all_others, gallery.extent)
    local, marks = _local_of(gallery, ranked, unstored)
    for index, row in enumerate(ranked.rows.tolist()):
        candidate = snapshot.detections[row]
        reason = "two animals in one image"
        if not query.image_id or query.image_id != candidate.image_id:
            cameras = query.camera_id, candidate.camera_id
            station = shared_station(snapshot.cameras, *cameras)
            journey = float(distance[index]), float(gap[index])
            reason = describe_journey(
                *journey, cameras, gallery.params, station, doubted=bool(doubted[index])
            )
        yield ScoredCandidate(
            candidate.detection_id,
            candidate.individual_id,
            float(ranked.scores.visual[index]),
            _or_none(float(ranked.scores.feasibility[index])),
            float(ranked.scores.fused[index]),
            reason,
            _or_none(float(local[index])),
            max(int(marks[index]), 0),
        )


def _local_of(
    gallery: Gallery, ranked: Ranked, unstored: UnstoredQuery | None
) -> tuple[Float32Array, IntArray]:
    """Local score (NaN if unknown) and number of matched marks of each candidate."""
    if gallery.local is None or unstored is not None:
        return np.full(len(ranked.rows), np.nan, np.float32), np.zeros(len(ranked.rows), np.int64)
    query = np.array([ranked.query])
    return gallery.local.scores_of(query, ranked.rows), gallery.local.marks_of(query, ranked.rows)


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value
