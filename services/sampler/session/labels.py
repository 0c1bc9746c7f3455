"""The pairs that labels answer, and counts of labels."""

from __future__ import annotations

from collections.abc import Sequence

from services.common.telemetry import metrics
from services.sampler.session.leases import IdPair
from spotted.v1 import sampler_pb2 as pb


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
