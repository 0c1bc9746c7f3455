"""Messages for the effect of a label and for the labels that it contradicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from spotted.constraints.answers import LabelOutcome
from spotted.constraints.explanation import Explanation
from spotted.v1 import sampler_pb2 as pb

_SAID = {pb.ANSWER_SAME: "are one animal", pb.ANSWER_DIFFERENT: "are two animals"}


def outcome_message(label_id: str, outcome: LabelOutcome, labels: Mapping[str, pb.Label]) -> pb.LabelOutcome:
    """The outcome of a label when it was applied. labels: the labels not retracted since, by id."""
    message = pb.LabelOutcome(
        label=labels.get(label_id),
        effect=pb.LabelEffect.ValueType(outcome.effect),
        implied_same_pairs=outcome.implied_same,
    )
    if outcome.explanation is not None:
        message.conflict.CopyFrom(conflict(label_id, outcome.explanation, labels))
    return message


def conflict(label_id: str, explanation: Explanation, labels: Mapping[str, pb.Label]) -> pb.Conflict:
    """A label and the smallest set of labels that contradicts it."""
    reasons = [labels[i] for i in explanation.label_ids if i in labels]
    label = labels.get(label_id, pb.Label(label_id=label_id))
    one_image = explanation.same_image is not None
    return pb.Conflict(
        label=label, explanation=reasons, message=_conflict_text(label, reasons, one_image=one_image)
    )


def _conflict_text(label: pb.Label, reasons: Sequence[pb.Label], *, one_image: bool) -> str:
    said = _SAID.get(label.answer, "are unclear")
    pair = f"{label.first_detection_id} and {label.second_detection_id}"
    if not reasons:
        return f"{pair} {said}, but one image shows both animals"
    listed = "; ".join(
        f"{r.first_detection_id} and {r.second_detection_id} {_SAID.get(r.answer, '')} ({r.annotator_id})"
        for r in reasons
    )
    image = ", and one image shows two of these animals" if one_image else ""
    return (
        f"{label.annotator_id} says that {pair} {said}, against: {listed}{image}; retract one of these labels"
    )
