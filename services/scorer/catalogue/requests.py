"""Requests of the catalogue to library values, checked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.common.access.caller import Caller
from services.common.rpc import checks
from services.common.rpc.animal_attributes import check_attributes
from services.scorer.catalogue.catalogues import own_survey
from services.scorer.catalogue.events import ATTRIBUTES, read_attribute
from services.scorer.requests import fusion
from spotted.catalogue.additions import Addition
from spotted.catalogue.facts import Member, Value
from spotted.errors import InvalidInputError
from spotted.scoring.fusion import Fusion
from spotted.v1 import catalogue_pb2 as pb
from spotted.v1 import individuals_pb2

MOST_ADDITIONS, MOST_MEMBERS, MOST_MERGED, MOST_SURVEYS = 1000, 10_000, 100, 100
# photographs of one query, and candidates of it, so that its answer fits into a message
MOST_PHOTOGRAPHS, MOST_CANDIDATES, MOST_QUERIES = 1000, 100, 10_000


@dataclass(frozen=True, slots=True)
class MatchWish:
    """The queries of a survey that are asked about."""

    detection_ids: Sequence[str]
    """Detections; empty for all if no encounters are asked about either."""
    as_one: bool
    """Whether they make one query."""
    encounter_ids: Sequence[str]
    each_encounter: bool
    k: int
    """Number of animals, and of photographs, of each query."""
    fusion: Fusion
    comparable_sides_only: bool
    survey_ids: Sequence[str] = ()
    """The only surveys that candidates come from; empty for all."""


def check_additions(request: pb.AddCatalogueMembersRequest) -> None:
    """Raise InvalidInputError for what is wrong with a whole request to add members."""
    checks.survey_id(request.survey_id, "survey_id")
    checks.between(len(request.additions), 1, MOST_ADDITIONS, "additions")
    ids = [i for each in request.additions for i in each.individual.detection_ids]
    checks.between(len(ids), 0, MOST_MEMBERS, "the number of detections of the additions")
    checks.unique(ids, "additions")
    if request.source not in pb.CatalogueSource.values() or request.source == pb.CATALOGUE_SOURCE_DELETION:
        raise InvalidInputError(
            f"source is {request.source}; use PERSON, SESSION or KNOWN_NAMES", field="source"
        )
    if request.session_id:
        checks.slug(request.session_id, "session_id")
    check_annotator(request)


def addition(message: pb.CatalogueAddition, number: int) -> Addition:
    """An animal to add. Raises InvalidInputError."""
    named = f"additions[{number}].individual"
    checks.between(len(message.individual.detection_ids), 1, MOST_MEMBERS, f"{named}.detection_ids")
    for detection_id in message.individual.detection_ids:
        checks.identifier(detection_id, f"{named}.detection_ids")
    attributes = known_attributes(message.individual, named)
    return Addition(message.entry_id, message.individual.detection_ids, attributes)


def known_attributes(message: individuals_pb2.Individual, field: str) -> dict[str, Value]:
    """The attributes that an individual has. Raises InvalidInputError."""
    check_attributes(message, ATTRIBUTES, field)
    entry = pb.CatalogueEntry(
        display_name=message.display_name,
        sex=message.sex,
        status=message.status,
        dead_since=message.dead_since if message.HasField("dead_since") else None,
        notes=message.notes,
        tags=message.tags,
    )
    values = {path: read_attribute(entry, path) for path in ATTRIBUTES}
    return {path: value for path, value in values.items() if value is not None}


def update(request: pb.UpdateCatalogueEntryRequest) -> dict[str, Value]:
    """The attributes to set, None to remove one. Raises InvalidInputError that names the invalid field."""
    sent = request.entry
    paths = list(dict.fromkeys(request.update_mask.paths)) or [
        descriptor.name for descriptor, _ in sent.ListFields() if descriptor.name in ATTRIBUTES
    ]
    unknown = [path for path in paths if path not in ATTRIBUTES]
    if unknown or not paths:
        raise InvalidInputError(
            f"update_mask names {unknown or 'no field'}; name some of {', '.join(ATTRIBUTES)}",
            field="update_mask",
        )
    required(sent.entry_id, "entry.entry_id")
    check_attributes(sent, paths, "entry")
    check_annotator(request)
    return {path: read_attribute(sent, path) for path in paths}


def merged(request: pb.MergeCatalogueEntriesRequest) -> list[str]:
    """The entries to merge, the one that keeps its id first. Raises InvalidInputError."""
    checks.between(len(request.merged_entry_ids), 1, MOST_MERGED, "merged_entry_ids")
    check_annotator(request)
    names = (f"merged_entry_ids[{number}]" for number in range(len(request.merged_entry_ids)))
    others = [required(each, name) for each, name in zip(request.merged_entry_ids, names, strict=True)]
    return [required(request.entry_id, "entry_id"), *others]


def members(listed: Iterable[pb.CatalogueMember], caller: Caller) -> list[Member]:
    """Members of any surveys, each once. Raises InvalidInputError."""
    found = []
    for number, each in enumerate(listed):
        required(each.survey_id, f"members[{number}].survey_id")
        checks.identifier(each.detection_id, f"members[{number}].detection_id")
        found.append(Member(own_survey(each.survey_id, caller), each.detection_id))
    checks.between(len(found), 1, MOST_MEMBERS, "members")
    checks.unique((f"{member.survey_id} {member.detection_id}" for member in found), "members")
    return found


def match(request: pb.MatchCatalogueRequest) -> MatchWish:
    """The queries that are asked about. Raises InvalidInputError."""
    checks.between(len(request.detection_ids), 0, MOST_QUERIES, "detection_ids")
    checks.between(len(request.encounter_ids), 0, MOST_QUERIES, "encounter_ids")
    checks.unique(request.detection_ids, "detection_ids")
    checks.unique(request.encounter_ids, "encounter_ids")
    if request.as_one:
        checks.between(len(request.detection_ids), 1, MOST_PHOTOGRAPHS, "detection_ids")
    if request.each_encounter and (request.detection_ids or request.encounter_ids):
        raise InvalidInputError(
            "each_encounter asks about all encounters of the survey; omit it, or detection_ids and "
            "encounter_ids",
            field="each_encounter",
        )
    return MatchWish(
        detection_ids=request.detection_ids,
        as_one=request.as_one,
        encounter_ids=request.encounter_ids,
        each_encounter=request.each_encounter,
        k=checks.between(request.top_k, 1, MOST_CANDIDATES, "top_k"),
        fusion=fusion(request.fusion),
        comparable_sides_only=request.comparable_sides_only,
        survey_ids=other_surveys(request.survey_ids),
    )


def other_surveys(survey_ids: Sequence[str]) -> Sequence[str]:
    """The only surveys that members are read from. Raises InvalidInputError."""
    checks.between(len(survey_ids), 0, MOST_SURVEYS, "the number of survey_ids")
    for each in survey_ids:
        checks.slug(each, "survey_ids")
    return survey_ids


class _Stated(Protocol):
    annotator_id: str


def check_annotator(request: _Stated) -> str:
    """Who states something. Raises InvalidInputError if nobody is named."""
    return checks.slug(request.annotator_id, "annotator_id")


def required(text: str, field: str) -> str:
    """An id. Raises InvalidInputError if it is missing."""
    if not text:
        raise InvalidInputError(f"{field} is missing; set it", field=field)
    return text
