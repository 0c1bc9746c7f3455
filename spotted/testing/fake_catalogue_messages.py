"""Entries and changes of a catalogue in memory as messages, and the queries of requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from spotted import messages
from spotted.catalogue.entries import Entry
from spotted.catalogue.facts import Attribute, Change, Link, Member, Membership, Value
from spotted.client.catalogue.messages import member_messages
from spotted.errors import NotFoundError
from spotted.testing.fake_survey import StoredSurvey
from spotted.v1 import catalogue_pb2 as pb

ATTRIBUTES = ("display_name", "sex", "status", "dead_since", "notes", "tags")


def entry_message(entry: Entry) -> pb.CatalogueEntry:
    """An entry with all its members."""
    message = attributes_message(entry.entry_id, entry.attributes)
    message.members.extend(member_messages(entry.members))
    message.member_count, message.etag = len(entry.members), entry.etag
    for alias, name in entry.aliases:
        message.aliases.add(entry_id=alias, display_name=name)
    return message


def attributes_message(entry_id: str, attributes: Mapping[str, Value]) -> pb.CatalogueEntry:
    """An entry with attributes only."""
    dead_since = attributes.get("dead_since")
    others = {path: value for path, value in attributes.items() if path != "dead_since" and value}
    seconds = dead_since if isinstance(dead_since, float) else None
    made = pb.CatalogueEntry(entry_id=entry_id, dead_since=messages.timestamp(seconds))
    for path, value in others.items():
        if isinstance(value, tuple):
            made.tags.extend(value)
        else:
            setattr(made, path, value)
    return made


def change_message(header: pb.CatalogueChange, change: Change) -> pb.CatalogueChange:
    """A change with the facts that it set."""
    message = pb.CatalogueChange()
    message.CopyFrom(header)
    for fact, value in change.facts.items():
        if isinstance(fact, Member):
            entry_id = value.entry_id if isinstance(value, Membership) else ""
            message.members.add(survey_id=fact.survey_id, detection_id=fact.detection_id, entry_id=entry_id)
        elif isinstance(fact, Link):
            ids = {"entry_id": fact.entry_id, "merged_entry_id": fact.merged_entry_id}
            message.links.add(**ids, joined=value is not None)
        elif isinstance(fact, Attribute):
            said = attributes_message(fact.entry_id, {fact.name: value})
            paths = [fact.name] if value is not None else []
            gone = [fact.name] if value is None else []
            message.attributes.add(entry=said, set_paths=paths, cleared_paths=gone)
    return message


def queries_of(
    stored: StoredSurvey, request: pb.MatchCatalogueRequest
) -> Iterator[tuple[str, Sequence[str]]]:
    """The encounter, "" without one, and the detections of each query. Raises NotFoundError."""
    stored.rows(request.detection_ids)
    encounters: dict[str, list[str]] = {}
    for one in stored.detections.values():
        if one.encounter_id:
            encounters.setdefault(one.encounter_id, []).append(one.detection_id)
    single = list(request.detection_ids)
    if not (single or request.encounter_ids or request.each_encounter):
        single = list(stored.detections)
    yield from [("", single)] if request.as_one else [("", [i]) for i in single]
    for encounter_id in encounters if request.each_encounter else request.encounter_ids:
        if encounter_id not in encounters:
            raise NotFoundError(f"encounter {encounter_id!r} is not in the survey; set it on its detections")
        yield encounter_id, encounters[encounter_id]
