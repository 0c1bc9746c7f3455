"""Requests about individuals, decoded and checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from google.protobuf.field_mask_pb2 import FieldMask

from services.common.rpc import checks
from services.common.rpc.animal_attributes import check_attributes
from services.common.store.keys import SessionKey
from services.sampler.session.identity import ATTRIBUTES
from spotted.errors import InvalidInputError
from spotted.v1 import individuals_pb2 as pb

MOST_MERGED, MOST_DETECTIONS = 100, 10_000


@dataclass(frozen=True, slots=True)
class Wish:
    """A change that somebody asks for."""

    key: SessionKey
    annotator_id: str
    """Who asks."""
    request_id: str
    as_of: int = 0
    """Refused if an individual of it changed after this position; 0: not checked."""
    individual_id: str = ""
    """The individual that it is about."""
    others: Sequence[str] = ()
    """Individuals to merge into it."""
    detection_ids: Sequence[str] = ()
    """Detections to split off or to move."""
    paths: Sequence[str] = ()
    """Names of the attributes to set."""
    values: pb.Individual = field(default_factory=pb.Individual)
    """Their values."""
    position: int = 0
    """The change to undo."""


class _ChangeRequest(Protocol):
    survey_id: str
    session_id: str
    annotator_id: str
    request_id: str


def update(request: pb.UpdateIndividualRequest) -> Wish:
    """Attributes to set. Raises InvalidInputError that names the invalid field."""
    sent = request.individual
    paths = list(dict.fromkeys(request.update_mask.paths)) or [
        descriptor.name for descriptor, _ in sent.ListFields() if descriptor.name in ATTRIBUTES
    ]
    unknown = [path for path in paths if path not in ATTRIBUTES]
    if unknown or not paths:
        raise InvalidInputError(
            f"update_mask names {unknown or 'no field'}; name some of {', '.join(ATTRIBUTES)}",
            field="update_mask",
        )
    check_attributes(sent, paths, "individual")
    values = pb.Individual()
    FieldMask(paths=paths).MergeMessage(sent, values)
    about = _individual(sent.individual_id, "individual.individual_id")
    return Wish(*_who(request), as_of=request.as_of_position, individual_id=about, paths=paths, values=values)


def merge(request: pb.MergeIndividualsRequest) -> Wish:
    """Individuals to merge. Raises InvalidInputError that names the invalid field."""
    others = request.merged_individual_ids
    checks.between(len(others), 1, MOST_MERGED, "merged_individual_ids")
    for number, other in enumerate(others):
        _individual(other, f"merged_individual_ids[{number}]")
    about = _individual(request.individual_id, "individual_id")
    return Wish(*_who(request), as_of=request.as_of_position, individual_id=about, others=others)


def split(request: pb.SplitIndividualRequest) -> Wish:
    """Detections to split off. Raises InvalidInputError that names the invalid field."""
    return _with_detections(request)


def move(request: pb.MoveDetectionsRequest) -> Wish:
    """Detections to move. Raises InvalidInputError that names the invalid field."""
    return _with_detections(request)


def undo(request: pb.UndoChangeRequest) -> Wish:
    """A change to undo. Raises InvalidInputError that names the invalid field."""
    if not request.position:
        raise InvalidInputError("position is missing; name the change by its position", field="position")
    return Wish(*_who(request), position=request.position)


def _with_detections(request: pb.SplitIndividualRequest | pb.MoveDetectionsRequest) -> Wish:
    checks.between(len(request.detection_ids), 1, MOST_DETECTIONS, "detection_ids")
    checks.unique(request.detection_ids, "detection_ids")
    about = _individual(request.individual_id, "individual_id")
    return Wish(
        *_who(request),
        as_of=request.as_of_position,
        individual_id=about,
        detection_ids=request.detection_ids,
    )


def _who(request: _ChangeRequest) -> tuple[SessionKey, str, str]:
    annotator_id = checks.slug(request.annotator_id, "annotator_id")
    return (request.survey_id, request.session_id), annotator_id, request.request_id


def _individual(text: str, name: str) -> str:
    if not text:
        raise InvalidInputError(f"{name} is missing; name an individual by its id", field=name)
    return text
