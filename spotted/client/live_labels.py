"""The labels of a session that count, from the events of its journal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from spotted.client.values.sessions import Label, SessionEvent

Versions = tuple[int | None, int | None]


def labels_that_count(events: Iterable[SessionEvent]) -> list[Label]:
    """The labels that were not retracted and whose detections have the images they were given for.

    A detection that was deleted, or has another image, leaves the session; its labels count again if it
    returns with the image it had.
    """
    present: dict[str, int] = {}
    given: dict[str, tuple[Label, Versions]] = {}
    for event in events:
        present |= dict(event.added)
        for detection_id in event.left_detection_ids:
            present.pop(detection_id, None)
        given |= {label.label_id: (label, _versions(label, present)) for label in event.labels}
        for label_id in event.retracted_label_ids:
            given.pop(label_id, None)
    return [label for label, versions in given.values() if _versions(label, present) == versions]


def _versions(label: Label, present: Mapping[str, int]) -> Versions:
    return present.get(label.first_detection_id), present.get(label.second_detection_id)
