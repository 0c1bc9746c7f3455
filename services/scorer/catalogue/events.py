"""Changes of a catalogue as messages, as they are stored and listed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from spotted import messages
from spotted.catalogue.facts import Attribute, Change, Fact, Link, Member, Membership, Value
from spotted.v1 import catalogue_pb2 as pb

# of an entry's attributes, by their paths: how a message has it, and how it is set
_READ: Mapping[str, Callable[[pb.CatalogueEntry], Value]] = {
    "display_name": lambda entry: entry.display_name,
    "sex": lambda entry: entry.sex,
    "status": lambda entry: entry.status,
    "dead_since": lambda entry: messages.optional_seconds(entry, "dead_since"),
    "notes": lambda entry: entry.notes,
    "tags": lambda entry: tuple(entry.tags),
}
ATTRIBUTES = tuple(_READ)


def read_attribute(entry: pb.CatalogueEntry, path: str) -> Value:
    """An attribute of a message; None if it says nothing."""
    return _READ[path](entry) or None


def write_attribute(entry: pb.CatalogueEntry, path: str, value: Value) -> None:
    """Set an attribute of a message."""
    if path == "tags" and isinstance(value, tuple):
        entry.tags.extend(value)
    elif path == "dead_since" and isinstance(value, float):
        entry.MergeFrom(pb.CatalogueEntry(dead_since=messages.timestamp(value)))
    else:
        setattr(entry, path, value)


def read_change(message: pb.CatalogueChange) -> Change:
    """The facts that a change sets."""
    facts: dict[Fact, Value] = {}
    for member in message.members:
        membership = Membership(member.entry_id, member.image) if member.entry_id else None
        facts[Member(member.survey_id, member.detection_id)] = membership
    for attribute in message.attributes:
        about = attribute.entry.entry_id
        for path in attribute.set_paths:
            facts[Attribute(about, path)] = read_attribute(attribute.entry, path)
        facts.update(dict.fromkeys(Attribute(about, path) for path in attribute.cleared_paths))
    for link in message.links:
        facts[Link(link.entry_id, link.merged_entry_id)] = True if link.joined else None
    return Change(message.change_id, facts)


def write_facts(message: pb.CatalogueChange, facts: Mapping[Fact, Value]) -> None:
    """Add the facts that a change sets to its message."""
    of_entry: dict[str, pb.CatalogueAttributeChange] = {}
    for fact, value in facts.items():
        match fact:
            case Member(survey_id, detection_id):
                member = message.members.add(survey_id=survey_id, detection_id=detection_id)
                if isinstance(value, Membership):
                    member.entry_id, member.image = value.entry_id, value.image
            case Link(entry_id, merged_entry_id):
                message.links.add(
                    entry_id=entry_id, merged_entry_id=merged_entry_id, joined=value is not None
                )
            case Attribute(entry_id, path):
                if entry_id not in of_entry:
                    of_entry[entry_id] = message.attributes.add(entry=pb.CatalogueEntry(entry_id=entry_id))
                if value is None:
                    of_entry[entry_id].cleared_paths.append(path)
                else:
                    of_entry[entry_id].set_paths.append(path)
                    write_attribute(of_entry[entry_id].entry, path, value)
