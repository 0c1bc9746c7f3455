"""Costs of questions and of opening a session, against its detections and its labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from benchmarks.common.drawn_survey import drawn, fill, usual_params
from benchmarks.growth.points import Point, Points
from benchmarks.sampler.waits import DIMENSION, Load, opening, serving
from spotted.client.calls import open_channel
from spotted.v1.scorer_pb2_grpc import ScorerServiceStub

DETECTIONS, LABELS = "sampler, detections of the survey", "sampler, labels of the session"


def measure(
    points: Points, sizes: Sequence[int], labels: Sequence[int], *, fixed_labels: int, fixed_size: int
) -> None:
    """Measure every size that is not known: sessions of `fixed_labels`, and those of `fixed_size`."""
    for size in sizes:
        if not points.has(DETECTIONS, size):
            _measure(points, DETECTIONS, {size: fixed_labels}, size)
    unknown = [count for count in labels if not points.has(LABELS, count)]
    if unknown:
        _measure(points, LABELS, {count: count for count in unknown}, fixed_size)


def _measure(points: Points, series: str, labels_at: dict[int, int], size: int) -> None:
    """Measure sessions of one survey. labels_at: labels of the session that is measured for each point."""
    known = drawn(usual_params(size), DIMENSION)
    survey_id = known.survey.survey_id
    animal_of = {one.detection_id: a for one, a in zip(known.detections, known.animals, strict=True)}
    load = Load(detections=size, annotators=1, seconds=0.0, think_s=0.0, labels=0)
    with serving() as services:
        with open_channel(services.scorer) as channel:
            fill(ScorerServiceStub(channel), known)
        for at, labels in labels_at.items():

            def opened(labels: int) -> Point:
                return _point(opening(services, survey_id, animal_of, replace(load, labels=labels))[0])

            points.measure(series, at, partial(opened, labels))


def _point(found: dict[str, Any]) -> Point:
    return {
        "question_ms": found["next_pairs_ms"]["p50"],
        "opened_s": found["first_progress_s"] + found["first_question_s"],
        "planned_s": found["refresh_s"],
        "sampler_mib": found["peak_mib"]["sampler"],
        "planning_mib": found["peak_mib"]["planning"],
    }
