"""Sampler requests to library values, checked, and results to responses."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from services.common import wire
from services.sampler.asking import Asked, Question
from spotted import geometry, messages
from spotted.errors import InvalidInputError
from spotted.feasibility import needed_speed_kmh
from spotted.survey import detection_table
from spotted.v1 import sampler_pb2 as pb

MOST_QUESTIONS = 100
MOST_LABELS = 1000
DEFAULT_LEASE_S = 600.0
LONGEST_LEASE_S = 86_400.0


def new_session(request: pb.CreateSessionRequest) -> pb.Session:
    """The session to open, without output-only fields."""
    asked = request.session
    if asked.strategy.HasField("eps"):
        wire.finite(asked.strategy.eps, "session.strategy.eps", least=0.0, most=1.0)
    return pb.Session(
        session_id=wire.slug(asked.session_id, "session.session_id"),
        survey_id=wire.slug(asked.survey_id, "session.survey_id"),
        strategy=asked.strategy,
        seed=asked.seed,
    )


def lease_s(request: pb.NextPairsRequest) -> float:
    """How long the questions are kept from others, seconds."""
    if not request.HasField("lease_duration"):
        return DEFAULT_LEASE_S
    seconds = request.lease_duration.ToNanoseconds() / 1e9
    return wire.finite(seconds, "lease_duration", least=0.001, most=LONGEST_LEASE_S)


def question_count(request: pb.NextPairsRequest) -> int:
    """How many questions are wanted."""
    return wire.page_size(request.count, default=1, largest=MOST_QUESTIONS)


def labels(request: pb.SubmitLabelsRequest) -> list[pb.Label]:
    """The answers to store. Raises InvalidInputError that names the first wrong one."""
    wire.between(len(request.labels), 1, MOST_LABELS, "labels")
    for i, label in enumerate(request.labels):
        field = f"labels[{i}]"
        wire.slug(label.annotator_id, f"{field}.annotator_id")
        if label.first_detection_id == label.second_detection_id:
            raise InvalidInputError(
                f"{field} names {label.first_detection_id!r} twice; name two detections",
                field=f"{field}.second_detection_id",
            )
        if label.answer not in pb.Answer.values() or label.answer == pb.ANSWER_UNSPECIFIED:
            raise InvalidInputError(
                f"{field}.answer is {label.answer}; use SAME, DIFFERENT, NOT_COMPARABLE or SKIP",
                field=f"{field}.answer",
            )
    return list(request.labels)


def retracted(request: pb.RetractLabelsRequest) -> pb.LabelsRetracted:
    """The labels to take back."""
    wire.between(len(request.label_ids), 1, MOST_LABELS, "label_ids")
    wire.unique(request.label_ids, "label_ids")
    wire.slug(request.annotator_id, "annotator_id")
    return pb.LabelsRetracted(label_ids=request.label_ids, annotator_id=request.annotator_id)


def next_pairs_response(asked: Asked) -> pb.NextPairsResponse:
    """The questions as messages."""
    return pb.NextPairsResponse(pairs=[_pair_query(q) for q in asked.questions], finished=asked.finished)


def page_arguments(
    request: pb.ListEventsRequest | pb.ListConflictsRequest | pb.ListIndividualsRequest,
) -> Sequence[str]:
    """What a list of a session depends on."""
    return type(request).__name__, request.survey_id, request.session_id


def _pair_query(question: Question) -> pb.PairQuery:
    pair = [question.scores.detections[i] for i in question.pair]
    table = detection_table(pair, question.scores.cameras)
    first, second = np.array([0]), np.array([1])
    distance, gap = geometry.distance_m(table, first, second), geometry.gap_s(table, first, second)
    return pb.PairQuery(
        first=messages.detection_message(pair[0]),
        second=messages.detection_message(pair[1]),
        reason=question.query.reason,
        score=question.query.score,
        distance_m=_or_none(float(distance[0])),
        gap_s=_or_none(float(gap[0])),
        needed_speed_kmh=_or_none(float(needed_speed_kmh(distance, gap)[0])),
        lease_expire_time=messages.timestamp(question.lease.ends_s),
    )


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value
