"""Sampler requests decoded and checked, and results encoded as responses."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from services.common.rpc import checks
from services.common.session.labels import MOST_LABELS, check_label, check_remark
from services.common.session.settings import MUTABLE, check_settings
from services.sampler.questions.choice import LARGEST_BURST, QuestionRequest
from services.sampler.questions.next_questions import LeasedQuestion, QuestionBatch
from services.sampler.session.defaults import with_settings
from spotted import messages
from spotted.errors import InvalidInputError
from spotted.sampling.questions import Kind
from spotted.scoring import geometry
from spotted.scoring.feasibility import needed_speed_kmh
from spotted.survey import Detection, detection_table, shared_station
from spotted.v1 import sampler_pb2 as pb

MOST_QUESTIONS = 100
MOST_BURSTS = 100
# the answer contains every label twice if all are conflicts
LABELS_BYTES = 3 << 19
# id, time and effect of a label in the answer
OUTCOME_BYTES = 64
DEFAULT_GALLERY, LARGEST_GALLERY = 7, 30
DEFAULT_LEASE_S = 600.0
LONGEST_LEASE_S = 86_400.0


def new_session(request: pb.CreateSessionRequest) -> pb.Session:
    """The session to create, without output-only fields."""
    session = request.session
    if session.strategy.HasField("eps"):
        checks.finite(session.strategy.eps, "session.strategy.eps", least=0.0, most=1.0)
    check_settings(session, "session.")
    return pb.Session(
        session_id=checks.slug(session.session_id, "session.session_id"),
        survey_id=checks.survey_id(session.survey_id, "session.survey_id"),
        strategy=session.strategy,
        seed=session.seed,
        trust=session.trust,
        known_individuals=session.known_individuals,
        filter=session.filter if session.HasField("filter") else None,
        ask_opposite_flanks=session.ask_opposite_flanks,
        catalogue_survey_ids=session.catalogue_survey_ids,
    )


def changed_session(request: pb.UpdateSessionRequest) -> tuple[pb.Session, list[str]]:
    """The new values and the names of the fields to change."""
    checks.survey_id(request.session.survey_id, "session.survey_id")
    checks.slug(request.session.session_id, "session.session_id")
    paths = list(request.update_mask.paths)
    unknown = [path for path in paths if path not in MUTABLE]
    if unknown or not paths:
        raise InvalidInputError(
            f"update_mask names {unknown or 'no field'}; name some of {', '.join(MUTABLE)}",
            field="update_mask",
        )
    check_settings(request.session, "session.")
    return with_settings(request.session), paths


def question_request(request: pb.NextPairsRequest) -> QuestionRequest:
    """The request of an annotator for questions. Raises InvalidInputError that names the invalid field."""
    for kind in request.shows:
        if kind not in pb.QuestionKind.values() or kind == pb.QUESTION_KIND_UNSPECIFIED:
            raise InvalidInputError(f"shows has {kind}; use PAIR, BURST or GALLERY", field="shows")
    kinds = frozenset(Kind(kind) for kind in request.shows) | {Kind.PAIR}
    if request.audit and kinds != {Kind.PAIR}:
        raise InvalidInputError("an audit asks only pairs; leave `shows` empty", field="shows")
    return QuestionRequest(
        checks.slug(request.annotator_id, "annotator_id"),
        checks.page_size(request.count, default=1, largest=MOST_QUESTIONS),
        _lease_s(request),
        kinds,
        checks.page_size(request.gallery_size, default=DEFAULT_GALLERY, largest=LARGEST_GALLERY),
        request.audit,
    )


def _lease_s(request: pb.NextPairsRequest) -> float:
    """How long the questions are reserved for the annotator, seconds."""
    if not request.HasField("lease_duration"):
        return DEFAULT_LEASE_S
    return checks.seconds(request.lease_duration, "lease_duration", least=0.001, most=LONGEST_LEASE_S)


def releasing(request: pb.ReleaseLeasesRequest) -> str:
    """The annotator whose leases end. Raises InvalidInputError."""
    return checks.slug(request.annotator_id, "annotator_id")


def labels_to_store(request: pb.SubmitLabelsRequest) -> pb.LabelsGiven:
    """The answers to store. Raises InvalidInputError that names the first invalid one."""
    checks.between(len(request.labels) + len(request.bursts), 1, MOST_LABELS, "labels")
    checks.between(len(request.bursts), 0, MOST_BURSTS, "bursts")
    for i, label in enumerate(request.labels):
        check_label(label, f"labels[{i}]")
    stored = pb.LabelsGiven(labels=request.labels)
    for i, burst in enumerate(request.bursts):
        _add_burst(stored, burst, f"bursts[{i}]")
    size = stored.ByteSize() + OUTCOME_BYTES * len(stored.labels)
    if size > LABELS_BYTES:
        raise InvalidInputError(
            f"the answers take {size} bytes as labels; send at most {LABELS_BYTES} in one call",
            field="labels",
        )
    return stored


def _add_burst(stored: pb.LabelsGiven, burst: pb.BurstAnswer, field: str) -> None:
    """Store the answer to a burst as labels, or as a burst of several animals."""
    checks.slug(burst.annotator_id, f"{field}.annotator_id")
    checks.between(len(burst.detection_ids), 2, LARGEST_BURST, f"{field}.detection_ids")
    checks.unique(burst.detection_ids, f"{field}.detection_ids")
    check_remark(burst, field)
    count = len(burst.detection_ids)
    if burst.versions:
        checks.between(len(burst.versions), count, count, f"{field}.versions")
    if not burst.one_animal and count > 2:  # noqa: PLR2004 - a pair
        stored.mixed_bursts.add(
            detection_ids=burst.detection_ids,
            versions=burst.versions,
            note=burst.note,
            confidence=burst.confidence,
            annotator_id=burst.annotator_id,
        )
        return
    versions: list[int | None] = [*burst.versions] or [None] * count
    for other, version in zip(burst.detection_ids[1:], versions[1:], strict=True):
        stored.labels.add(
            first_detection_id=burst.detection_ids[0],
            second_detection_id=other,
            answer=pb.ANSWER_SAME if burst.one_animal else pb.ANSWER_DIFFERENT,
            annotator_id=burst.annotator_id,
            first_version=versions[0],
            second_version=version,
            note=burst.note,
            confidence=burst.confidence,
        )


def labels_to_retract(request: pb.RetractLabelsRequest) -> pb.LabelsRetracted:
    """The labels to retract."""
    checks.between(len(request.label_ids), 1, MOST_LABELS, "label_ids")
    checks.unique(request.label_ids, "label_ids")
    checks.slug(request.annotator_id, "annotator_id")
    return pb.LabelsRetracted(label_ids=request.label_ids, annotator_id=request.annotator_id)


def next_pairs_response(batch: QuestionBatch) -> pb.NextPairsResponse:
    """The questions as messages."""
    response = pb.NextPairsResponse(finished=batch.finished, notice=batch.notice)
    for leased in batch.questions:
        if leased.question.kind is Kind.PAIR:
            response.pairs.append(_pair_query(leased))
        else:
            response.groups.append(_group_query(leased))
    return response


def page_arguments(
    request: pb.ListEventsRequest | pb.ListConflictsRequest,
) -> Sequence[str]:
    """The arguments that a page token of a session's list depends on."""
    return type(request).__name__, request.survey_id, request.session_id


def _pair_query(leased: LeasedQuestion) -> pb.PairQuery:
    (query,) = leased.question.pairs
    ids = sorted(leased.detection_ids)
    pair, versions = [_detection(leased, i) for i in ids], _versions(leased, ids)
    table = detection_table(pair, leased.facts.cameras)
    first, second = np.array([0]), np.array([1])
    distance, gap = geometry.distance_m(table, first, second), geometry.gap_s(table, first, second)
    if not all(map(leased.facts.believes_time, pair)):
        gap = np.full(1, np.nan)
    return pb.PairQuery(
        first=messages.detection_message(pair[0]),
        second=messages.detection_message(pair[1]),
        reason=query.reason,
        score=query.score,
        calibrated=query.calibrated,
        distance_m=_or_none(float(distance[0])),
        gap_s=_or_none(float(gap[0])),
        needed_speed_kmh=_or_none(float(needed_speed_kmh(distance, gap)[0])),
        lease_expire_time=messages.timestamp(leased.ends_s),
        first_version=versions[0],
        second_version=versions[1],
        station=shared_station(leased.facts.cameras, pair[0].camera_id, pair[1].camera_id),
    )


def _group_query(leased: LeasedQuestion) -> pb.GroupQuery:
    question = leased.question
    shown = [messages.detection_message(_detection(leased, i)) for i in leased.detection_ids]
    versions = _versions(leased, leased.detection_ids)
    has_anchor = question.kind is Kind.GALLERY
    return pb.GroupQuery(
        kind=pb.QUESTION_KIND_GALLERY if has_anchor else pb.QUESTION_KIND_BURST,
        anchor=shown[0] if has_anchor else None,
        detections=shown[has_anchor:],
        reason=question.pairs[0].reason,
        scores=[query.score for query in question.pairs] if has_anchor else [],
        calibrated=has_anchor and all(query.calibrated for query in question.pairs),
        lease_expire_time=messages.timestamp(leased.ends_s),
        anchor_version=versions[0] if has_anchor else 0,
        versions=versions[has_anchor:],
    )


def _versions(leased: LeasedQuestion, detection_ids: Sequence[str]) -> list[int]:
    """Which of its images and vectors each detection has, as the survey was read with it."""
    return [leased.facts.versions.get(i, 0) for i in detection_ids]


def _detection(leased: LeasedQuestion, detection_id: str) -> Detection:
    """A detection of the survey; only its id if it was deleted since."""
    return leased.facts.detections.get(detection_id) or Detection(detection_id)


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value
