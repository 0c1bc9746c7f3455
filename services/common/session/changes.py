"""Changes of individuals by people, as events of a session's journal."""

from __future__ import annotations

from collections.abc import Container

from services.common.rpc import checks
from spotted.errors import InvalidInputError
from spotted.v1.individuals_pb2 import IndividualsChanged
from spotted.v1.session_facts_pb2 import (
    EVIDENCE_SOURCE_ENCOUNTER,
    EVIDENCE_SOURCE_KNOWN,
    Evidence,
)


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
    for fact in changed.superseded_facts:
        _check_fact(fact, known)
    more = changed.pairs or changed.superseded_label_ids or changed.anchors or changed.superseded_facts
    if kind in {"updated", "undone"} and more:
        raise InvalidInputError(f"a change of the kind {kind!r} states no pairs and supersedes nothing")


def _check_fact(fact: Evidence, known: Container[str]) -> None:
    """Raise InvalidInputError unless a change can supersede this fact."""
    first, second = fact.pair.first_detection_id, fact.pair.second_detection_id
    for detection_id in (first, second):
        if detection_id not in known:
            raise InvalidInputError(f"no earlier round added detection {detection_id!r}")
    named = fact.source == EVIDENCE_SOURCE_KNOWN and 1 <= len(fact.names) <= 2  # noqa: PLR2004 - one or two
    met = fact.source == EVIDENCE_SOURCE_ENCOUNTER and len(fact.names) == 1
    if first == second or not (named or met):
        raise InvalidInputError(
            "it supersedes a fact that is neither a name nor an encounter of two detections"
        )
    for text in fact.names:
        checks.words(text, "a name of the change", most=checks.ID_LENGTH)
