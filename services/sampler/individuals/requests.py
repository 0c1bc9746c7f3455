"""Requests about individuals, decoded and checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from google.protobuf.field_mask_pb2 import FieldMask

from services.common.rpc import checks
from services.common.store.keys import SessionKey
from services.sampler.session.identity import ATTRIBUTES
from spotted.errors import InvalidInputError
from spotted.individuals.naming import read_individual_id
from spotted.v1 import individuals_pb2 as pb

MOST_MERGED, MOST_DETECTIONS = 100, 10_000
LONGEST_NAME, LONGEST_NOTES, LONGEST_TAG, MOST_TAGS = 256, 4096, 64, 50


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
    _check_attributes(sent, paths)
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


def _check_attributes(sent: pb.Individual, paths: Sequence[str]) -> None:
    """Raise InvalidInputError unless the attributes at these paths are valid."""
    name = sent.display_name
    if name != name.strip() or len(name) > LONGEST_NAME or (name and not name.isprintable()):
        raise InvalidInputError(
            f"individual.display_name is {name[:40]!r}; use at most {LONGEST_NAME} printable characters, "
            "without spaces around them",
            field="individual.display_name",
        )
    if read_individual_id(name) is not None:
        raise InvalidInputError(
            f"individual.display_name is {name!r}, which looks like an id; choose another name",
            field="individual.display_name",
        )
    for enum, value, part in (
        (pb.Sex, sent.sex, "sex"),
        (pb.IndividualStatus, sent.status, "status"),
    ):
        if value not in enum.values():
            raise InvalidInputError(
                f"individual.{part} is {value}; use a value of the contract", field=f"individual.{part}"
            )
    if sent.HasField("dead_since"):
        checks.instant(sent.dead_since, "individual.dead_since")
        if "status" in paths and sent.status != pb.INDIVIDUAL_STATUS_DEAD:
            raise InvalidInputError(
                "individual.dead_since is set for an animal that is not dead; set the status to dead or "
                "leave the time out",
                field="individual.dead_since",
            )
    checks.words(sent.notes, "individual.notes", most=LONGEST_NOTES)
    checks.between(len(sent.tags), 0, MOST_TAGS, "individual.tags")
    checks.unique(sent.tags, "individual.tags")
    for number, tag in enumerate(sent.tags):
        checks.words(
            checks.identifier(tag, f"individual.tags[{number}]"), "individual.tags", most=LONGEST_TAG
        )
