"""Answers to questions: to a pair, to the frames of a burst, to a gallery."""

from __future__ import annotations

from collections.abc import Collection

from spotted.client.values.sessions import BurstAnswer, GroupQuery, Label
from spotted.constraints.answers import Answer


def burst_answer(group: GroupQuery, annotator_id: str, *, one_animal: bool) -> BurstAnswer:
    """The answer to a burst."""
    return BurstAnswer(shown_ids(group), one_animal, annotator_id)


def gallery_labels(
    group: GroupQuery, same_ids: Collection[str], annotator_id: str, note: str = ""
) -> list[Label]:
    """The labels of a gallery: its anchor is the same animal as `same_ids`, and not as the others.

    note: kept with each of them.

    >>> from spotted.client.values import QuestionKind
    >>> from spotted.survey import Detection
    >>> shown = (Detection("d04"), Detection("d07"))
    >>> gallery = GroupQuery(QuestionKind.GALLERY, Detection("d01"), shown, "", (0.9, 0.4), None)
    >>> [(one.second_detection_id, one.answer.name) for one in gallery_labels(gallery, {"d04"}, "anna")]
    [('d04', 'SAME'), ('d07', 'DIFFERENT')]
    """
    anchor, *candidates = shown_ids(group)
    return [
        Label(
            anchor,
            candidate,
            Answer.SAME if candidate in same_ids else Answer.DIFFERENT,
            annotator_id,
            note=note,
        )
        for candidate in candidates
    ]


def skip_labels(group: GroupQuery, annotator_id: str) -> list[Label]:
    """The labels that skip a burst or a gallery: this annotator is not asked it again."""
    first, *others = shown_ids(group)
    return [Label(first, other, Answer.SKIP, annotator_id) for other in others]


def shown_ids(group: GroupQuery) -> tuple[str, ...]:
    """The detections of a group in the order they are shown, beginning with the anchor of a gallery."""
    anchor = [group.anchor] if group.anchor else []
    return tuple(detection.detection_id for detection in [*anchor, *group.detections])
