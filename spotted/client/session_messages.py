"""Messages about sessions as values of the client, and back."""

from __future__ import annotations

from spotted import messages
from spotted.client.individuals.messages import evidence_value, individuals_event
from spotted.client.survey_messages import filter_value
from spotted.client.values.progress import AnnotatorProgress, Audit, Progress, StopGuarantee
from spotted.client.values.questions import GroupQuery, PairQuery, QuestionKind, Questions
from spotted.client.values.sessions import (
    BurstAnswer,
    Confidence,
    Conflict,
    EventKind,
    Label,
    SessionEvent,
    SessionInfo,
    StoredLabel,
    SubmittedLabels,
)
from spotted.constraints.answers import Answer, LabelEffect
from spotted.constraints.trust import Trust
from spotted.facts.kinds import KnownIndividuals
from spotted.v1 import sampler_pb2 as pb


def session_info(message: pb.Session) -> SessionInfo:
    """A session as stored, from its message."""
    settings = message.strategy
    return SessionInfo(
        survey_id=message.survey_id,
        session_id=message.session_id,
        strategy=settings.strategy_id,
        top_k=settings.top_k,
        eps=settings.eps if settings.HasField("eps") else None,
        retrain=settings.retrain,
        seed=message.seed,
        trust=_trust(message.trust),
        known_individuals=(
            KnownIndividuals(message.known_individuals) if message.known_individuals else None
        ),
        only=filter_value(message.filter),
        ask_opposite_flanks=message.ask_opposite_flanks,
        created_at_s=messages.optional_seconds(message, "create_time"),
        position=message.position,
        catalogue_survey_ids=tuple(message.catalogue_survey_ids),
        damage=message.damage,
        updated_at_s=messages.optional_seconds(message, "update_time"),
    )


def questions(message: pb.NextPairsResponse) -> Questions:
    """The next questions."""
    return Questions(
        pairs=tuple(_pair_query(pair) for pair in message.pairs),
        groups=tuple(_group_query(group) for group in message.groups),
        finished=message.finished,
        notice=message.notice,
    )


def _pair_query(message: pb.PairQuery) -> PairQuery:
    return PairQuery(
        first=messages.detection(message.first),
        second=messages.detection(message.second),
        reason=message.reason,
        score=message.score,
        distance_m=message.distance_m if message.HasField("distance_m") else None,
        gap_s=message.gap_s if message.HasField("gap_s") else None,
        needed_speed_kmh=message.needed_speed_kmh if message.HasField("needed_speed_kmh") else None,
        lease_expires_at_s=messages.optional_seconds(message, "lease_expire_time"),
        versions=(message.first_version, message.second_version),
        station=message.station,
        calibrated=message.calibrated,
    )


def _group_query(message: pb.GroupQuery) -> GroupQuery:
    anchor = [message.anchor_version] if message.HasField("anchor") else []
    return GroupQuery(
        kind=QuestionKind(message.kind),
        anchor=messages.detection(message.anchor) if message.HasField("anchor") else None,
        detections=tuple(messages.detection(d) for d in message.detections),
        reason=message.reason,
        scores=tuple(message.scores),
        lease_expires_at_s=messages.optional_seconds(message, "lease_expire_time"),
        versions=(*anchor, *message.versions),
        calibrated=message.calibrated,
    )


def label_message(label: Label) -> pb.Label:
    """A label as a message to submit: the sampler chooses its id and time."""
    return pb.Label(
        first_detection_id=label.first_detection_id,
        second_detection_id=label.second_detection_id,
        answer=pb.Answer.ValueType(label.answer),
        annotator_id=label.annotator_id,
        note=label.note,
        first_version=label.versions[0],
        second_version=label.versions[1],
        confidence=pb.Confidence.ValueType(label.confidence or 0),
    )


def label_value(message: pb.Label) -> Label:
    """A stored label from its message."""
    return Label(
        first_detection_id=message.first_detection_id,
        second_detection_id=message.second_detection_id,
        answer=Answer(message.answer),
        annotator_id=message.annotator_id,
        label_id=message.label_id,
        created_at_s=messages.optional_seconds(message, "create_time"),
        note=message.note,
        versions=(
            message.first_version if message.HasField("first_version") else None,
            message.second_version if message.HasField("second_version") else None,
        ),
        confidence=Confidence(message.confidence) if message.confidence else None,
    )


def burst_message(answer: BurstAnswer) -> pb.BurstAnswer:
    """The answer to a burst as a message."""
    return pb.BurstAnswer(
        detection_ids=answer.detection_ids,
        one_animal=answer.one_animal,
        annotator_id=answer.annotator_id,
        versions=answer.versions,
        note=answer.note,
        confidence=pb.Confidence.ValueType(answer.confidence or 0),
    )


def submitted_labels(message: pb.SubmitLabelsResponse) -> SubmittedLabels:
    """The result of submitting labels."""
    return SubmittedLabels(
        outcomes=tuple(_stored_label(outcome) for outcome in message.outcomes),
        progress=progress_value(message.progress),
        notice=message.notice,
    )


def _stored_label(message: pb.LabelOutcome) -> StoredLabel:
    return StoredLabel(
        label=label_value(message.label),
        effect=LabelEffect(message.effect),
        implied_same_pairs=message.implied_same_pairs,
        conflict=conflict_value(message.conflict) if message.HasField("conflict") else None,
    )


def conflict_value(message: pb.Conflict) -> Conflict:
    """A conflict from its message."""
    return Conflict(
        label=label_value(message.label) if message.HasField("label") else None,
        explanation=tuple(label_value(label) for label in message.explanation),
        evidence=tuple(evidence_value(evidence) for evidence in message.evidence),
        message=message.message,
    )


def progress_value(message: pb.Progress) -> Progress:
    """The progress of a session from its message."""
    unset = {
        name: getattr(message, name) if message.HasField(name) else None
        for name in (
            "open_pairs",
            "estimated_remaining_pairs",
            "answers_per_minute",
            "merges_left_at_most",
            "agreement",
            "kappa",
        )
    }
    return Progress(
        detections=message.detections,
        same=message.same,
        different=message.different,
        not_comparable=message.not_comparable,
        skipped=message.skipped,
        conflicts=message.conflicts,
        individuals=message.individuals,
        same_pairs=message.same_pairs,
        summary=message.summary,
        position=message.position,
        guarantees=tuple(StopGuarantee(one.target, one.reached) for one in message.guarantees),
        audit=_audit(message.audit) if message.HasField("audit") else None,
        trust=_trust(message.trust),
        pending=message.pending,
        checks=message.checks,
        annotators=tuple(_annotator(one) for one in message.annotators),
        **unset,
    )


def _audit(message: pb.Audit) -> Audit:
    return Audit(message.answered, message.same, message.open_pairs, message.same_at_most)


def _annotator(message: pb.AnnotatorProgress) -> AnnotatorProgress:
    rates = {
        name: getattr(message, name) if message.HasField(name) else None
        for name in ("answers_per_minute", "false_same_rate", "false_different_rate")
    }
    return AnnotatorProgress(message.annotator_id, message.answers, **rates)


def session_event(message: pb.SessionEvent) -> SessionEvent:
    """An event of a journal from its message."""
    kind = message.WhichOneof("event")
    return SessionEvent(
        position=message.position,
        created_at_s=messages.optional_seconds(message, "create_time"),
        kind=EventKind(kind) if kind else None,
        labels=tuple(label_value(label) for label in message.labelled.labels),
        retracted_label_ids=tuple(message.retracted.label_ids),
        change=individuals_event(message.changed) if kind == "changed" else None,
        content=message.SerializeToString(deterministic=True),
    )


def _trust(value: pb.Trust.ValueType) -> Trust | None:
    return Trust(value) if value else None
