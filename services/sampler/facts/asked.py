"""Which image and vector of each detection an answer is about."""

from __future__ import annotations

from spotted.v1 import sampler_pb2 as pb

# a detection, and the version of it that was asked about; None for the one that it has
Asked = tuple[str, int | None]


def asked_about(answer: pb.Label | pb.DetectionSet) -> list[Asked]:
    """The detections of an answer to a pair or a burst, in their order.

    >>> asked_about(pb.Label(first_detection_id="a", second_detection_id="b", first_version=1))
    [('a', 1), ('b', None)]
    """
    if isinstance(answer, pb.DetectionSet):
        versions: list[int | None] = [*answer.versions] or [None] * len(answer.detection_ids)
        return list(zip(answer.detection_ids, versions, strict=True))
    return [
        (answer.first_detection_id, answer.first_version if answer.HasField("first_version") else None),
        (answer.second_detection_id, answer.second_version if answer.HasField("second_version") else None),
    ]
