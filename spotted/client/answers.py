"""Answers to questions: to a pair, to the frames of a burst, to a gallery.

Each answer says which images it is about, so that it never counts for one that replaced them meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection

from spotted.client.values.questions import GroupQuery, PairQuery
from spotted.client.values.sessions import BurstAnswer, Label
from spotted.constraints.answers import Answer


def pair_label(pair: PairQuery, answer: Answer, annotator_id: str, note: str = "") -> Label:
    """The label of a pair."""
    ids = pair.first.detection_id, pair.second.detection_id
    return Label(*ids, answer, annotator_id, note=note, versions=pair.versions)


def burst_answer(group: GroupQuery, annotator_id: str, *, one_animal: bool, note: str = "") -> BurstAnswer:
    """The answer to a burst."""
    return BurstAnswer(shown_ids(group), one_animal, annotator_id, group.versions, note)


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
    answers = [Answer.SAME if i in same_ids else Answer.DIFFERENT for i in shown_ids(group)[1:]]
    return _with_first(group, answers, annotator_id, note)


def skip_labels(group: GroupQuery, annotator_id: str) -> list[Label]:
    """The labels that skip a burst or a gallery: this annotator is not asked it again."""
    return _with_first(group, [Answer.SKIP] * (len(shown_ids(group)) - 1), annotator_id)


def shown_ids(group: GroupQuery) -> tuple[str, ...]:
    """The detections of a group in the order they are shown, beginning with the anchor of a gallery."""
    anchor = [group.anchor] if group.anchor else []
    return tuple(detection.detection_id for detection in [*anchor, *group.detections])


def _with_first(group: GroupQuery, answers: list[Answer], annotator_id: str, note: str = "") -> list[Label]:
    """Labels of the first detection of a group with each of the others."""
    ids = shown_ids(group)
    versions = group.versions or (None,) * len(ids)
    return [
        Label(ids[0], other, answer, annotator_id, note=note, versions=(versions[0], version))
        for other, version, answer in zip(ids[1:], versions[1:], answers, strict=True)
    ]
