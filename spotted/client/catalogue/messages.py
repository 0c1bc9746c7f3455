"""Messages about the catalogue as values of the client, and back."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

from spotted import messages
from spotted.catalogue.facts import Member
from spotted.client.individuals.messages import individual_message
from spotted.client.values.catalogue import (
    AddedAnimal,
    AnimalCandidate,
    CatalogueAddition,
    CatalogueChange,
    CatalogueChangeKind,
    CatalogueEntry,
    CatalogueMatch,
    CatalogueResult,
    CatalogueSource,
    MatchedSurvey,
    MemberPhotograph,
    PhotographCandidate,
    WatchedCatalogueChange,
)
from spotted.client.values.individuals import Alias
from spotted.individuals.attributes import Attributes, Sex, Status
from spotted.v1 import catalogue_pb2 as pb
from spotted.v1 import individuals_pb2


def entry_values(listed: Iterable[pb.CatalogueEntry]) -> Iterator[CatalogueEntry]:
    """Entries from their messages, of which a large one has several."""
    for _, parts in itertools.groupby(listed, lambda entry: entry.entry_id):
        yield entry_value(list(parts))


def entry_value(parts: Sequence[pb.CatalogueEntry]) -> CatalogueEntry:
    """An entry from its message, or from several."""
    first = parts[0]
    return CatalogueEntry(
        entry_id=first.entry_id,
        members=tuple(Member(m.survey_id, m.detection_id) for part in parts for m in part.members),
        display_name=first.display_name,
        sex=Sex(first.sex),
        status=Status(first.status),
        dead_since_s=messages.optional_seconds(first, "dead_since"),
        notes=first.notes,
        tags=tuple(first.tags),
        aliases=tuple(Alias(alias.entry_id, alias.display_name) for alias in first.aliases),
        etag=first.etag,
    )


def entry_message(entry_id: str, attributes: Attributes, etag: str = "") -> pb.CatalogueEntry:
    """An entry with these attributes as a message."""
    return pb.CatalogueEntry(
        entry_id=entry_id,
        display_name=attributes.display_name,
        sex=individuals_pb2.Sex.ValueType(attributes.sex),
        status=individuals_pb2.IndividualStatus.ValueType(attributes.status),
        dead_since=messages.timestamp(attributes.dead_since_s),
        notes=attributes.notes,
        tags=attributes.tags,
        etag=etag,
    )


def member_messages(members: Iterable[Member]) -> list[pb.CatalogueMember]:
    """Members as messages."""
    return [pb.CatalogueMember(survey_id=m.survey_id, detection_id=m.detection_id) for m in members]


def addition_message(addition: CatalogueAddition) -> pb.CatalogueAddition:
    """An animal to add as a message."""
    one = addition.individual
    attributes = Attributes(one.display_name, one.sex, one.status, one.dead_since_s, one.notes, one.tags)
    individual = individual_message(one.individual_id, attributes)
    individual.detection_ids.extend(one.detection_ids)
    return pb.CatalogueAddition(entry_id=addition.entry_id, individual=individual)


def added_animal(addition: CatalogueAddition, message: pb.CatalogueAdditionResult) -> AddedAnimal:
    """The result of an addition from its message."""
    return AddedAnimal(
        name=addition.individual.name,
        entry_id=message.entry_id,
        added=message.added,
        unchanged=message.unchanged,
        created=message.created,
        same_name=tuple(message.same_name_entry_ids),
        reason=message.error.reason,
        message=message.error.message,
    )


def catalogue_result(message: pb.CatalogueChangeResult) -> CatalogueResult:
    """The result of a change from its message."""
    return CatalogueResult(message.change_id, tuple(entry_value([entry]) for entry in message.entries))


def change_value(message: pb.CatalogueChange) -> CatalogueChange:
    """A change from its message."""
    linked = {i for link in message.links for i in (link.entry_id, link.merged_entry_id)}
    described = {attribute.entry.entry_id for attribute in message.attributes}
    return CatalogueChange(
        change_id=message.change_id,
        create_time_s=messages.optional_seconds(message, "create_time"),
        annotator_id=message.annotator_id,
        kind=CatalogueChangeKind(message.kind),
        source=CatalogueSource(message.source) if message.source else None,
        survey_id=message.survey_id,
        session_id=message.session_id,
        undone_change_id=message.undone_change_id,
        members={Member(m.survey_id, m.detection_id): m.entry_id for m in message.members},
        entry_ids=tuple(sorted(linked | described)),
    )


def watched_catalogue_changes(
    responses: Iterable[pb.WatchCatalogueResponse],
) -> Iterator[WatchedCatalogueChange]:
    """Watched changes from their parts; a change that was cut off is left out."""
    parts: list[pb.WatchCatalogueResponse] = []
    for response in responses:
        parts.append(response)
        if response.cursor:
            yield WatchedCatalogueChange(
                reset=parts[0].reset,
                ended=tuple(i for part in parts for i in part.ended_entry_ids),
                entries=tuple(entry_values(one for part in parts for one in part.entries)),
                cursor=response.cursor,
            )
            parts.clear()


def member_photographs(response: pb.ReadCatalogueMembersResponse) -> Iterator[MemberPhotograph]:
    """Members from a response."""
    for one in response.members:
        camera = messages.camera(one.camera) if one.HasField("camera") else None
        yield MemberPhotograph(one.survey_id, messages.detection(one.detection), one.entry_id, camera)


def match_values(response: pb.MatchCatalogueResponse) -> Iterator[CatalogueMatch]:
    """Matches from a response."""
    surveys = tuple(
        MatchedSurvey(one.survey_id, one.members, one.missing, one.reason) for one in response.surveys
    )
    for match in response.matches:
        yield CatalogueMatch(
            detection_ids=tuple(match.detection_ids),
            encounter_id=match.encounter_id,
            entry_id=match.entry_id,
            animals=tuple(
                AnimalCandidate(one.entry_id, one.display_name, _photograph(one.best))
                for one in match.animals
            ),
            photographs=tuple(_photograph(one) for one in match.photographs),
            compared=match.compared,
            surveys=surveys,
            fallback=response.score_spec.fallback,
        )


def _photograph(message: pb.PhotographCandidate) -> PhotographCandidate:
    return PhotographCandidate(
        survey_id=message.survey_id,
        detection_id=message.detection_id,
        entry_id=message.entry_id,
        query_detection_id=message.query_detection_id,
        visual=message.visual,
        feasibility=message.feasibility if message.HasField("feasibility") else None,
        fused=message.fused,
        reason=message.reason,
    )
