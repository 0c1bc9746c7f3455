"""Messages for the effect of a label and for the labels that it contradicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.common.rpc import checks
from spotted.constraints.answers import LabelOutcome
from spotted.constraints.explanation import Explanation
from spotted.v1 import sampler_pb2 as pb

# labels that explain one conflict, and all explanations in the answer to one call
CONFLICT_BYTES, OUTCOMES_BYTES = 64 * 1024, 512 * 1024

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
    found = [labels[i] for i in explanation.label_ids if i in labels]
    reasons = found[: checks.fitting([label.ByteSize() for label in found], CONFLICT_BYTES)]
    label = labels.get(label_id, pb.Label(label_id=label_id))
    one_image = explanation.same_image is not None
    return pb.Conflict(
        label=label,
        explanation=reasons,
        message=_conflict_text(label, reasons, left_out=len(found) - len(reasons), one_image=one_image),
    )


def shorten(outcomes: list[pb.LabelOutcome]) -> list[pb.LabelOutcome]:
    """The outcomes, the last conflicts without explanation if they would not fit into one answer."""
    size = 0
    for outcome in outcomes:
        size += outcome.conflict.ByteSize()
        if outcome.HasField("conflict") and size > OUTCOMES_BYTES:
            outcome.conflict.ClearField("explanation")
            outcome.conflict.message = "see the session's conflicts"
    return outcomes


def _conflict_text(label: pb.Label, reasons: Sequence[pb.Label], *, left_out: int, one_image: bool) -> str:
    said = _SAID.get(label.answer, "are unclear")
    pair = f"{label.first_detection_id} and {label.second_detection_id}"
    if not reasons:
        return f"{pair} {said}, but one image shows both animals"
    listed = "; ".join(
        f"{r.first_detection_id} and {r.second_detection_id} {_SAID.get(r.answer, '')} ({r.annotator_id})"
        for r in reasons
    )
    if left_out:
        listed += f"; and {left_out} more"
    image = ", and one image shows two of these animals" if one_image else ""
    return (
        f"{label.annotator_id} says that {pair} {said}, against: {listed}{image}; retract one of these labels"
    )
