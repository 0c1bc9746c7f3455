"""Checks of labels, from an annotator or from a journal."""

from __future__ import annotations

import unicodedata

from services.common.rpc import checks
from spotted.errors import InvalidInputError
from spotted.v1 import sampler_pb2 as pb

MOST_LABELS = 1000
LONGEST_NOTE = 1000
# category of control characters, and those that a text may have
CONTROL, LAYOUT = "Cc", {"\n", "\t"}


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
    check_remark(label, field)


def check_remark(answer: pb.Label | pb.BurstAnswer | pb.DetectionSet, field: str) -> None:
    """Raise InvalidInputError unless the note and the confidence of an answer are valid."""
    if answer.confidence not in pb.Confidence.values():
        raise InvalidInputError(
            f"{field}.confidence is {answer.confidence}; use GUESS, FAIRLY_SURE or SURE, or leave it out",
            field=f"{field}.confidence",
        )
    checks.words(answer.note, f"{field}.note", most=LONGEST_NOTE)
    if any(unicodedata.category(letter) == CONTROL for letter in set(answer.note) - LAYOUT):
        raise InvalidInputError(f"{field}.note has control characters; leave them out", field=f"{field}.note")
