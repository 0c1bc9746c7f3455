"""Answers to what a sampler asks: of a pair, of the frames of a burst, of a gallery."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from spotted.v1 import sampler_pb2


def pair_label(
    first_id: str, second_id: str, answer: sampler_pb2.Answer.ValueType, annotator_id: str
) -> sampler_pb2.Label:
    """The answer to a pair of detections."""
    return sampler_pb2.Label(
        first_detection_id=first_id, second_detection_id=second_id, answer=answer, annotator_id=annotator_id
    )


def burst_answer(
    group: sampler_pb2.GroupQuery, annotator_id: str, *, one_animal: bool
) -> sampler_pb2.BurstAnswer:
    """The answer to a burst."""
    return sampler_pb2.BurstAnswer(
        detection_ids=shown_ids(group), one_animal=one_animal, annotator_id=annotator_id
    )


def gallery_labels(
    group: sampler_pb2.GroupQuery, same_ids: Collection[str], annotator_id: str
) -> list[sampler_pb2.Label]:
    """The answers to a gallery: its anchor is one animal with these candidates, and another than the rest."""
    anchor, *candidates = shown_ids(group)
    return [
        pair_label(
            anchor,
            candidate,
            sampler_pb2.ANSWER_SAME if candidate in same_ids else sampler_pb2.ANSWER_DIFFERENT,
            annotator_id,
        )
        for candidate in candidates
    ]


def skip_labels(group: sampler_pb2.GroupQuery, annotator_id: str) -> list[sampler_pb2.Label]:
    """A burst or gallery put aside: this annotator is not asked it again."""
    first, *others = shown_ids(group)
    return [pair_label(first, other, sampler_pb2.ANSWER_SKIP, annotator_id) for other in others]


def shown_ids(group: sampler_pb2.GroupQuery) -> Sequence[str]:
    """The detections of a group in the order they are shown, the anchor first where there is one."""
    anchor = [group.anchor] if group.HasField("anchor") else []
    return [detection.detection_id for detection in [*anchor, *group.detections]]
