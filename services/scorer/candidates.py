"""Candidates of detections, stored or not, with the filters and the evidence that people ask for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from services.common.survey_state import Snapshot
from services.scorer.surveys import Scored, outside_period
from spotted import geometry
from spotted.errors import InvalidInputError, NotFoundError
from spotted.feasibility import needed_speed_kmh, reason, softened_journey
from spotted.fusion import Fusion
from spotted.ranking import Allowed, Gallery, Ranked
from spotted.survey import BoolArray, Detection, Float32Array, IntArray, Side, detection_table, id_order

FLANKS = (Side.LEFT, Side.RIGHT)


@dataclass(frozen=True, slots=True)
class Rules:
    """Which detections may be candidates; every rule that is set must hold."""

    comparable_sides_only: bool = False
    exclude_same_encounter: bool = False
    camera_ids: frozenset[str] = frozenset()
    captured_from_s: float | None = None
    captured_before_s: float | None = None
    known_individuals_only: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """A ranked candidate in words and numbers; feasibility None where unknown."""

    detection_id: str
    visual: float
    feasibility: float | None
    fused: float
    reason: str


@dataclass(frozen=True, slots=True)
class CandidateList:
    """A detection's candidates, best first, and how many were compared."""

    detection_id: str
    candidates: tuple[Evidence, ...]
    compared: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything known about one pair; None where unknown. percentile: 0 to 100."""

    evidence: Evidence
    distance_m: float | None
    gap_s: float | None
    needed_speed_kmh: float | None
    percentile: float


def candidates(
    scored: Scored, detection_ids: Sequence[str], k: int, fusion: Fusion, rules: Rules
) -> Iterator[CandidateList]:
    """The candidates of the detections named, or of all. Raises NotFoundError, InvalidInputError."""
    snapshot = scored.snapshot
    _check_cameras(snapshot, rules)
    rows = [snapshot.row(i) for i in detection_ids] if detection_ids else range(len(snapshot.detections))
    allowed = _allowed(snapshot.detections, rules)
    queries = np.array(rows, dtype=np.int64)
    for ranked in scored.gallery.top_k(queries, k, fusion=fusion, allowed=allowed):
        yield _list(scored.gallery, snapshot.detections, ranked)


def query_candidates(
    scored: Scored, detection: Detection, vector: Float32Array, k: int, fusion: Fusion, rules: Rules
) -> CandidateList:
    """The candidates of a detection that is not stored: as if it were the survey's last.

    vector: (D,) unit, through the active head where there is one.
    """
    snapshot = scored.snapshot
    _check_cameras(snapshot, rules)
    camera = snapshot.cameras.get(detection.camera_id)
    if detection.camera_id and camera is None:
        raise NotFoundError(f"camera {detection.camera_id!r} is not in the survey; add it with UpsertCameras")
    fault = outside_period(detection, camera)
    if fault:
        raise InvalidInputError(
            f"{fault}; correct the time, or the camera's period", field="detection.captured_at"
        )
    everyone = (*snapshot.detections, detection)
    stored = scored.gallery.embeddings
    gallery = replace(
        scored.gallery,
        # a survey without detections may not know its dimension yet
        embeddings=np.concatenate(
            [stored.reshape(len(stored), len(vector)), vector[None].astype(stored.dtype)]
        ),
        table=detection_table(everyone, snapshot.cameras),
        order=id_order([d.detection_id for d in everyone]),
    )
    query = np.array([len(everyone) - 1])
    (ranked,) = gallery.top_k(query, k, fusion=fusion, allowed=_allowed(everyone, rules))
    return _list(gallery, everyone, ranked)


def explain(scored: Scored, first_id: str, second_id: str) -> Explanation:
    """Everything known about one pair of stored detections. Raises NotFoundError, InvalidInputError."""
    if first_id == second_id:
        raise InvalidInputError(f"the pair names {first_id!r} twice; name two detections", field="pair")
    snapshot, gallery = scored.snapshot, scored.gallery
    first, second = (np.array([snapshot.row(i)]) for i in (first_id, second_id))
    ranked_among = _rivals(gallery, int(first[0]))
    scores = gallery.score_pairs(first, second)
    others = gallery.score_pairs(np.full(len(ranked_among), first[0]), ranked_among).fused
    below = float((others < scores.fused[0]).mean() * 100.0) if len(others) else 0.0
    distance = geometry.distance_m(gallery.table, first, second)
    gap = geometry.gap_s(gallery.table, first, second)
    ranked = Ranked(int(first[0]), second, scores, len(ranked_among))
    (evidence,) = _evidence(gallery, snapshot.detections, ranked)
    return Explanation(
        evidence,
        _or_none(float(distance[0])),
        _or_none(float(gap[0])),
        _or_none(float(needed_speed_kmh(distance, gap)[0])),
        below,
    )


def _rivals(gallery: Gallery, row: int) -> IntArray:
    everyone = np.arange(len(gallery))
    return everyone[~geometry.same_image(gallery.table, np.array([row]), everyone)]


def _list(gallery: Gallery, detections: Sequence[Detection], ranked: Ranked) -> CandidateList:
    query = detections[ranked.query]
    return CandidateList(query.detection_id, tuple(_evidence(gallery, detections, ranked)), ranked.compared)


def _evidence(gallery: Gallery, detections: Sequence[Detection], ranked: Ranked) -> Iterator[Evidence]:
    query = detections[ranked.query]
    from_query = np.full(len(ranked.rows), ranked.query)
    distance, gap = softened_journey(gallery.table, from_query, ranked.rows, gallery.params)
    for place, row in enumerate(ranked.rows.tolist()):
        candidate = detections[row]
        words = "two animals in one image"
        if not query.image_id or query.image_id != candidate.image_id:
            cameras = query.camera_id, candidate.camera_id
            words = reason(float(distance[place]), float(gap[place]), cameras, gallery.params)
        yield Evidence(
            candidate.detection_id,
            float(ranked.scores.visual[place]),
            _or_none(float(ranked.scores.feasibility[place])),
            float(ranked.scores.fused[place]),
            words,
        )


def _check_cameras(snapshot: Snapshot, rules: Rules) -> None:
    for camera_id in sorted(rules.camera_ids):
        if camera_id not in snapshot.cameras:
            raise NotFoundError(
                f"the filter names camera {camera_id!r}, which the survey does not have; correct the filter"
            )


def _allowed(detections: Sequence[Detection], rules: Rules) -> Allowed | None:
    """The rules as a mask of pairs; None where none is set."""
    if rules == Rules():
        return None
    columns = np.array([_column_allowed(d, rules) for d in detections], dtype=np.bool_)
    side = np.array([d.side for d in detections], dtype=np.int64)
    numbers: dict[str, int] = {}
    # an unknown encounter is no encounter that two detections share
    encounter = np.array(
        [numbers.setdefault(d.encounter_id, len(numbers)) if d.encounter_id else -1 for d in detections]
    )

    def allowed(rows: IntArray, others: IntArray) -> BoolArray:
        mask = np.broadcast_to(columns[others], np.broadcast_shapes(rows.shape, others.shape))
        if rules.comparable_sides_only:
            mask = mask & ~_opposite(side[rows], side[others])
        if rules.exclude_same_encounter:
            mask = mask & ~((encounter[rows] == encounter[others]) & (encounter[rows] >= 0))
        return mask

    return allowed


def _opposite(first: IntArray, second: IntArray) -> BoolArray:
    """Left against right: the coats of the two flanks cannot be compared."""
    return np.asarray((first != second) & np.isin(first, FLANKS) & np.isin(second, FLANKS))


def _column_allowed(detection: Detection, rules: Rules) -> bool:
    time_s = detection.captured_at_s
    return (
        (not rules.camera_ids or detection.camera_id in rules.camera_ids)
        and (not rules.known_individuals_only or bool(detection.individual_id))
        and (rules.captured_from_s is None or (time_s is not None and time_s >= rules.captured_from_s))
        and (rules.captured_before_s is None or (time_s is not None and time_s < rules.captured_before_s))
    )


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value
