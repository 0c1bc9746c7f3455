"""Entries and changes of a catalogue in memory as messages."""

from __future__ import annotations

from collections.abc import Mapping

from spotted import messages
from spotted.catalogue.entries import Entry
from spotted.catalogue.facts import Attribute, Change, Link, Member, Membership, Value
from spotted.client.catalogue.messages import member_messages
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
