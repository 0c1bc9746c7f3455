"""Changes of individuals by people, as events of a session's journal."""

from __future__ import annotations

from collections.abc import Container

from services.common.rpc import checks
from spotted.errors import InvalidInputError
from spotted.v1.individuals_pb2 import IndividualsChanged


def named_detections(changed: IndividualsChanged) -> list[str]:
    """The detections that a change names."""
    return [
        *(i for pair in changed.pairs for i in (pair.first_detection_id, pair.second_detection_id)),
        *changed.split.detection_ids,
        *changed.moved.detection_ids,
        *(anchor.detection_id for anchor in changed.anchors),
    ]


def check_change(changed: IndividualsChanged, known: Container[str]) -> None:
    """Raise InvalidInputError unless a change is complete. known: detections that earlier rounds added."""
    checks.slug(changed.annotator_id, "annotator_id")
    kind = changed.WhichOneof("change")
    if kind is None:
        raise InvalidInputError("the change is empty; export the session again with this version")
    for detection_id in named_detections(changed):
        if detection_id not in known:
            raise InvalidInputError(f"no earlier round added detection {detection_id!r}")
    for pair in changed.pairs:
        if pair.first_detection_id == pair.second_detection_id:
            raise InvalidInputError(f"a pair of the change names {pair.first_detection_id!r} twice")
    checks.unique(changed.superseded_label_ids, "superseded_label_ids")
    more = changed.pairs or changed.superseded_label_ids or changed.anchors
    if kind in {"updated", "undone"} and more:
        raise InvalidInputError(f"a change of the kind {kind!r} states no pairs and supersedes no labels")
