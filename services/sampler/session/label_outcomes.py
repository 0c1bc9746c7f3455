"""What labels did and what they contradict, as the contract tells it and in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from spotted.constraints.answers import Effect, Outcome
from spotted.constraints.explanation import Explanation
from spotted.constraints.verified import Ruling, Standing
from spotted.v1 import sampler_pb2 as pb

_EFFECTS = {
    Effect.MERGED: pb.LABEL_EFFECT_MERGED,
    Effect.SEPARATED: pb.LABEL_EFFECT_SEPARATED,
    Effect.ALREADY_IMPLIED: pb.LABEL_EFFECT_IMPLIED,
    Effect.CONTRADICTS: pb.LABEL_EFFECT_CONFLICT,
    Effect.PAIR_CLOSED: pb.LABEL_EFFECT_CLOSED,
}
# what only evidence does
_STANDINGS = {
    Standing.PENDING: pb.LABEL_EFFECT_PENDING,
    Standing.SPLIT: pb.LABEL_EFFECT_SPLIT,
    Standing.REOPENED: pb.LABEL_EFFECT_REOPENED,
}
_SAID = {pb.ANSWER_SAME: "are one animal", pb.ANSWER_DIFFERENT: "are two animals"}


def outcome_message(label_id: str, outcome: Outcome, labels: Mapping[str, pb.Label]) -> pb.LabelOutcome:
    """What a label did when it came. labels: those that stand, by id."""
    effect = _EFFECTS[outcome.effect]
    if isinstance(outcome, Ruling):
        effect = _STANDINGS.get(outcome.standing, effect)
    told = pb.LabelOutcome(label=labels.get(label_id), effect=effect, implied_same_pairs=outcome.implied_same)
    if outcome.explanation is not None:
        told.conflict.CopyFrom(conflict(label_id, outcome.explanation, labels))
    return told


def conflict(label_id: str, explanation: Explanation, labels: Mapping[str, pb.Label]) -> pb.Conflict:
    """A label with the smallest set of labels that contradicts it."""
    reasons = [labels[i] for i in explanation.label_ids if i in labels]
    label = labels.get(label_id, pb.Label(label_id=label_id))
    one_image = explanation.same_image is not None
    return pb.Conflict(
        label=label, explanation=reasons, message=_in_words(label, reasons, one_image=one_image)
    )


def _in_words(label: pb.Label, reasons: Sequence[pb.Label], *, one_image: bool) -> str:
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
