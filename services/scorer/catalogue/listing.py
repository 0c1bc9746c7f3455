"""Entries and changes of the catalogue as messages."""

from __future__ import annotations

from services.common.access.caller import Caller
from services.common.rpc import checks
from services.scorer.catalogue.catalogues import CatalogueState, own_survey
from services.scorer.catalogue.events import write_attribute, write_facts
from spotted.catalogue.entries import CatalogueView, Entry
from spotted.catalogue.facts import Member
from spotted.errors import InvalidInputError, PreconditionError
from spotted.v1 import catalogue_pb2 as pb

# entries of one answer; members of one part of an entry in a list
RESULT_BYTES, MEMBERS_OF_PART = 3 << 20, 500
# bytes that an item of a list takes besides its content
ITEM_BYTES = 4


def entry_message(entry: Entry, start: int = 0, count: int | None = None) -> pb.CatalogueEntry:
    """An entry with its members, or the part of it with `count` members from `start` on."""
    members = entry.members[start:] if count is None else entry.members[start : start + count]
    message = pb.CatalogueEntry(
        entry_id=entry.entry_id, members=[member_message(member) for member in members]
    )
    if start:
        return message
    message.member_count, message.etag = len(entry.members), entry.etag
    message.aliases.extend(pb.CatalogueAlias(entry_id=i, display_name=name) for i, name in entry.aliases)
    for path, value in entry.attributes.items():
        write_attribute(message, path, value)
    return message


def member_message(member: Member) -> pb.CatalogueMember:
    """A member."""
    return pb.CatalogueMember(survey_id=member.survey_id, detection_id=member.detection_id)


def get_entry(view: CatalogueView, entry_id: str) -> pb.CatalogueEntry:
    """An entry by its id or an alias. Raises NotFoundError, PreconditionError if it is too large."""
    message = entry_message(view.find(entry_id))
    if message.ByteSize() > checks.ANSWER_BYTES:
        raise PreconditionError(
            f"entry {entry_id!r} has {message.member_count} members, too many for one message; list the "
            "entries with one of its detections instead"
        )
    return message


def list_entries(
    view: CatalogueView, request: pb.ListCatalogueEntriesRequest, caller: Caller
) -> tuple[list[pb.CatalogueEntry], str]:
    """A page of the entries that match the request, and the token of the next page."""
    if request.detection_id and not request.survey_id:
        raise InvalidInputError("detection_id needs the survey_id of its survey", field="survey_id")
    survey_id = own_survey(request.survey_id, caller) if request.survey_id else ""
    found = view.named(request.display_name) if request.display_name else view.entries
    if request.detection_id:
        one = view.of(Member(survey_id, request.detection_id))
        found = [entry for entry in found if entry == one]
    elif survey_id:
        found = [entry for entry in found if any(m.survey_id == survey_id for m in entry.members)]
    parts = [(e, start) for e in found for start in range(0, len(e.members) or 1, MEMBERS_OF_PART)]
    size = checks.page_size(request.page_size, default=1000, largest=10_000)
    arguments = ("catalogue", survey_id, request.detection_id, request.display_name)
    return checks.message_page(
        parts, lambda part: entry_message(*part, MEMBERS_OF_PART), size, request.page_token, *arguments
    )


def list_changes(
    state: CatalogueState, view: CatalogueView, request: pb.ListCatalogueChangesRequest, caller: Caller
) -> tuple[list[pb.CatalogueChange], str]:
    """A page of the changes that the caller sees, and the token of the next page. Raises NotFoundError."""
    wanted: set[str] | None = None
    if request.entry_id:
        entry = view.find(request.entry_id)
        wanted = {entry.entry_id, *(alias for alias, _ in entry.aliases)}
    ids = [
        change_id
        for change_id, header in state.headers.items()
        if header.kind
        and view.shows(change_id)
        and (wanted is None or not wanted.isdisjoint(state.facts.concerned(change_id)))
    ]
    size = checks.page_size(request.page_size, default=100, largest=1000)
    arguments = (request.page_token, "catalogue changes", caller.organisation, request.entry_id)
    return checks.message_page(ids, lambda change_id: _change(state, change_id), size, *arguments)


def change_result(state: CatalogueState, view: CatalogueView, change_id: str) -> pb.CatalogueChangeResult:
    """The entries that a change concerns, as they are now."""
    result, size = pb.CatalogueChangeResult(change_id=change_id), 0
    for entry in view.those(state.facts.concerned(change_id)):
        message = entry_message(entry)
        if size + message.ByteSize() > RESULT_BYTES:
            message.ClearField("members")
        size += message.ByteSize()
        if size > RESULT_BYTES:
            break
        result.entries.append(message)
    return result


def _change(state: CatalogueState, change_id: str) -> pb.CatalogueChange:
    message = pb.CatalogueChange()
    message.CopyFrom(state.headers[change_id])
    write_facts(message, state.facts.changes[change_id][0].facts)
    for member in message.members:
        member.ClearField("image")
    for part in (message.members, message.attributes, message.links):
        del part[checks.fitting([one.ByteSize() + ITEM_BYTES for one in part]) :]
    return message
