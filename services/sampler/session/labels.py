"""What can be an answer to a pair, whether it comes from an annotator or in a journal."""

from __future__ import annotations

from collections.abc import Sequence

from services.common.rpc import checks
from services.common.telemetry import metrics
from services.sampler.session.leases import IdPair
from spotted.errors import InvalidInputError
from spotted.v1 import sampler_pb2 as pb

MOST_LABELS = 1000


def check_label(label: pb.Label, field: str) -> None:
    """Raise InvalidInputError unless this is a valid answer to a pair."""
    checks.slug(label.annotator_id, f"{field}.annotator_id")
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


def answered_pairs(given: pb.LabelsGiven) -> list[IdPair]:
    """The answered pairs, the smaller id first; their leases end."""
    pairs = [(label.first_detection_id, label.second_detection_id) for label in given.labels]
    for burst in given.mixed_bursts:
        first, *others = burst.detection_ids
        pairs += [(first, other) for other in others]
    return [(min(pair), max(pair)) for pair in pairs]


def count_labels(outcomes: Sequence[pb.LabelOutcome]) -> None:
    """Count stored labels by answer, and those that contradict earlier ones."""
    for outcome in outcomes:
        metrics.LABELS_BY_ANSWER[outcome.label.answer].inc()
        if outcome.HasField("conflict"):
            metrics.LABEL_CONFLICTS.inc()
