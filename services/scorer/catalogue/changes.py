"""Changes of the catalogue: decided on what the caller sees, stored, and answered with the entries then."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from services.common.access.caller import Caller
from services.common.store import keys
from services.scorer.catalogue import requests
from services.scorer.catalogue.additions import Additions, Source, unlike
from services.scorer.catalogue.catalogues import (
    Catalogues,
    CatalogueState,
    Changed,
    Decide,
    Decision,
    own_survey,
)
from services.scorer.catalogue.listing import change_result, entry_etag
from services.scorer.surveys import Surveys
from spotted.catalogue.entries import CatalogueView, Entry, entry_id
from spotted.catalogue.facts import Attribute, Fact, Link, Member, Membership, Value, unknown_change
from spotted.errors import ConcurrencyError, InvalidInputError, NotFoundError, SpottedError
from spotted.v1 import catalogue_pb2 as pb
from spotted.v1 import survey_pb2

# bytes of a vector's SHA-256 that are kept
IMAGE_BYTES = 16


class CatalogueChanges:
    """Changes that people make."""

    def __init__(self, catalogues: Catalogues, surveys: Surveys) -> None:
        self._catalogues = catalogues
        self._surveys = surveys

    def add(self, request: pb.AddCatalogueMembersRequest, caller: Caller) -> pb.AddCatalogueMembersResponse:
        """Add animals of a survey; each may be refused. Raises NotFoundError for the survey."""
        requests.check_additions(request)
        source = self._source(request, caller)

        def decide(state: CatalogueState, view: CatalogueView, change_id: str) -> Decision:
            additions = Additions(view, state.specs, source, request.names_identify)
            results = [_added(additions, each, n) for n, each in enumerate(request.additions)]
            changed = change_id if additions.facts else ""
            answer = pb.AddCatalogueMembersResponse(results=results, change_id=changed)
            header = pb.CatalogueChange(
                annotator_id=request.annotator_id,
                kind=pb.CATALOGUE_CHANGE_KIND_ADDED,
                source=request.source or pb.CATALOGUE_SOURCE_PERSON,
                survey_id=source.survey_id,
                session_id=request.session_id,
                embedding=source.spec,
            )
            return Decision(additions.facts, header, answer.SerializeToString())

        def answered(changed: Changed) -> pb.AddCatalogueMembersResponse:
            return pb.AddCatalogueMembersResponse.FromString(changed.answer)

        about = {"scope": "AddCatalogueMembers", "request_id": request.request_id}
        return self._catalogues.change(caller, decide, answered, **about)

    def update(self, request: pb.UpdateCatalogueEntryRequest, caller: Caller) -> pb.CatalogueChangeResult:
        """Set attributes of an entry. Raises NotFoundError, ConcurrencyError if its etag is another one."""
        values = requests.update(request)

        def decide(_: CatalogueState, view: CatalogueView, __: str) -> Decision:
            entry = view.find(request.entry.entry_id)
            if request.entry.etag and request.entry.etag != entry_etag(entry):
                raise ConcurrencyError(
                    f"entry {entry.entry_id!r} changed since it was read; read it again and repeat"
                )
            facts: dict[Fact, Value] = {}
            for path, value in values.items():
                facts[Attribute(entry.entry_id, path)] = value
                if value is None:
                    # that of an alias would show instead
                    facts.update(dict.fromkeys(Attribute(alias, path) for alias, _ in entry.aliases))
            return Decision(facts, _header(request.annotator_id, pb.CATALOGUE_CHANGE_KIND_UPDATED))

        return self._changed(caller, decide, "UpdateCatalogueEntry", request.request_id)

    def merge(self, request: pb.MergeCatalogueEntriesRequest, caller: Caller) -> pb.CatalogueChangeResult:
        """State that entries are one animal. Raises NotFoundError, InvalidInputError, DigestMismatchError."""
        wanted = requests.merged(request)

        def decide(state: CatalogueState, view: CatalogueView, _: str) -> Decision:
            chief, *others = (view.find(each) for each in wanted)
            for other in others:
                if other.entry_id == chief.entry_id:
                    raise InvalidInputError(
                        f"entries {wanted[0]!r} and {other.entry_id!r} are one already; name others",
                        field="merged_entry_ids",
                    )
                check_alike(state, chief.members, other.members, other.entry_id)
            facts: dict[Fact, Value] = {Link(chief.entry_id, other.entry_id): True for other in others}
            return Decision(facts, _header(request.annotator_id, pb.CATALOGUE_CHANGE_KIND_MERGED))

        return self._changed(caller, decide, "MergeCatalogueEntries", request.request_id)

    def split(self, request: pb.SplitCatalogueEntryRequest, caller: Caller) -> pb.CatalogueChangeResult:
        """Move members to another entry. Raises NotFoundError, InvalidInputError, DigestMismatchError."""
        requests.check_annotator(request)
        members = requests.members(request.members, caller)

        def decide(state: CatalogueState, view: CatalogueView, _: str) -> Decision:
            entry = view.find(requests.required(request.entry_id, "entry_id"))
            target = view.find(request.to_entry_id) if request.to_entry_id else None
            if target == entry:
                raise InvalidInputError(
                    f"entry {entry.entry_id!r} has these detections; name another entry", field="to_entry_id"
                )
            facts = _moved(state, entry, members, target)
            return Decision(facts, _header(request.annotator_id, pb.CATALOGUE_CHANGE_KIND_SPLIT))

        return self._changed(caller, decide, "SplitCatalogueEntry", request.request_id)

    def remove(self, request: pb.RemoveCatalogueMembersRequest, caller: Caller) -> pb.CatalogueChangeResult:
        """Take members out of the catalogue. Raises NotFoundError."""
        requests.check_annotator(request)
        members = requests.members(request.members, caller)

        def decide(_: CatalogueState, view: CatalogueView, __: str) -> Decision:
            for member in members:
                if view.of(member) is None:
                    raise no_member(member)
            header = _header(request.annotator_id, pb.CATALOGUE_CHANGE_KIND_REMOVED)
            return Decision(dict.fromkeys(members), header)

        return self._changed(caller, decide, "RemoveCatalogueMembers", request.request_id)

    def undo(self, request: pb.UndoCatalogueChangeRequest, caller: Caller) -> pb.CatalogueChangeResult:
        """Undo a change. Raises NotFoundError, PreconditionError if a later one concerns the same."""
        requests.check_annotator(request)
        undone = requests.required(request.change_id, "change_id")

        def decide(state: CatalogueState, view: CatalogueView, _: str) -> Decision:
            known = undone in state.headers and state.headers[undone].kind
            if not known or not view.shows(undone):
                raise unknown_change(undone)
            header = _header(request.annotator_id, pb.CATALOGUE_CHANGE_KIND_UNDONE)
            header.undone_change_id = undone
            return Decision(state.facts.inverse(undone), header)

        return self._changed(caller, decide, "UndoCatalogueChange", request.request_id)

    def forget(self, survey_id: str, detection_ids: Sequence[str] = ()) -> None:
        """Take out members whose detection is gone, or has another image.

        detection_ids: those to look at; empty for all of the survey.
        """
        caller = Caller(organisation=keys.owner(survey_id))
        own = own_survey(survey_id, caller)
        wanted = set(detection_ids)

        def gone(state: CatalogueState) -> dict[Fact, Value]:
            held = {
                fact: value.image
                for fact, value in state.facts.known.items()
                if isinstance(fact, Member)
                and fact.survey_id == own
                and isinstance(value, Membership)
                and (not wanted or fact.detection_id in wanted)
            }
            images = self.images(survey_id) if held else {}
            return {m: None for m, image in held.items() if images.get(m.detection_id) != image}

        def decide(state: CatalogueState, _: CatalogueView, __: str) -> Decision:
            header = _header("", pb.CATALOGUE_CHANGE_KIND_REMOVED)
            header.source = pb.CATALOGUE_SOURCE_DELETION
            return Decision(gone(state), header)

        if self._catalogues.look(caller, lambda state, _: bool(gone(state))):
            self._catalogues.change(caller, decide, lambda _: None, scope="forget", request_id="")

    def images(self, survey_id: str) -> dict[str, bytes]:
        """A digest of the vector of each detection of a survey; empty if there is no such survey."""
        try:
            return self._surveys.folded(survey_id).view(
                lambda state, _: {i: digest[:IMAGE_BYTES] for i, digest in state.digests.items()}
            )
        except NotFoundError:
            return {}

    def _source(self, request: pb.AddCatalogueMembersRequest, caller: Caller) -> Source:
        own = own_survey(request.survey_id, caller)
        spec = self._surveys.described(request.survey_id).embedding
        return Source(own, self.images(request.survey_id), spec)

    def _changed(
        self, caller: Caller, decide: Decide, scope: str, request_id: str
    ) -> pb.CatalogueChangeResult:
        def result(changed: Changed) -> pb.CatalogueChangeResult:
            return change_result(changed.state, changed.view, changed.answer.decode())

        return self._catalogues.change(caller, decide, result, scope=scope, request_id=request_id)


def no_member(member: Member) -> NotFoundError:
    """The error for a detection that is in no entry that the caller sees."""
    return NotFoundError(
        f"detection {member.detection_id!r} of survey {member.survey_id!r} is in no such entry; list the "
        "entries to see their members"
    )


def check_alike(state: CatalogueState, first: Sequence[Member], second: Sequence[Member], about: str) -> None:
    """Raise DigestMismatchError unless the vectors of members are made alike. about: what has the second."""
    specs = [state.specs[members[0].survey_id] for members in (first, second) if members]
    if any(spec != specs[0] for spec in specs):
        raise unlike(about)


def _moved(
    state: CatalogueState, entry: Entry, members: Sequence[Member], target: Entry | None
) -> dict[Fact, Value]:
    """Members of an entry as those of another one, a new one if it is None."""
    for member in members:
        if member not in entry.members:
            raise no_member(member)
    if target is not None:
        check_alike(state, target.members, members, entry.entry_id)
    to = target.entry_id if target else entry_id(uuid.uuid4().hex)
    facts: dict[Fact, Value] = {}
    for member in members:
        value = state.facts.known[member]
        if isinstance(value, Membership):
            facts[member] = Membership(to, value.image)
    return facts


def _added(additions: Additions, message: pb.CatalogueAddition, number: int) -> pb.CatalogueAdditionResult:
    try:
        return additions.add(requests.addition(message, number))
    except SpottedError as error:
        item = survey_pb2.ItemError(reason=error.reason, message=str(error))
        return pb.CatalogueAdditionResult(error=item)


def _header(annotator_id: str, kind: pb.CatalogueChangeKind.ValueType) -> pb.CatalogueChange:
    return pb.CatalogueChange(annotator_id=annotator_id, kind=kind)
