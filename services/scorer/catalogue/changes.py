"""Changes of the catalogue: decided on what the caller sees, stored, and answered with the entries then."""

from __future__ import annotations

from collections.abc import Sequence

from services.common.access.caller import Caller
from services.common.store import keys
from services.scorer.catalogue import requests
from services.scorer.catalogue.catalogues import (
    Catalogues,
    CatalogueState,
    Changed,
    Decide,
    Decision,
    own_survey,
)
from services.scorer.catalogue.listing import change_result
from services.scorer.surveys import Surveys
from spotted.catalogue import statements
from spotted.catalogue.additions import Additions, Source
from spotted.catalogue.entries import CatalogueView
from spotted.catalogue.facts import Fact, Member, Membership, Value, unknown_change
from spotted.errors import NotFoundError, SpottedError
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
        source, spec = self._source(request, caller)

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
                embedding=spec,
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
            facts = statements.update(view.find(request.entry.entry_id), values, request.entry.etag)
            return Decision(facts, _header(request.annotator_id, pb.CATALOGUE_CHANGE_KIND_UPDATED))

        return self._changed(caller, decide, "UpdateCatalogueEntry", request.request_id)

    def merge(self, request: pb.MergeCatalogueEntriesRequest, caller: Caller) -> pb.CatalogueChangeResult:
        """State that entries are one animal. Raises NotFoundError, InvalidInputError, DigestMismatchError."""
        wanted = requests.merged(request)

        def decide(state: CatalogueState, view: CatalogueView, _: str) -> Decision:
            facts = statements.merge(view, wanted, state.specs)
            return Decision(facts, _header(request.annotator_id, pb.CATALOGUE_CHANGE_KIND_MERGED))

        return self._changed(caller, decide, "MergeCatalogueEntries", request.request_id)

    def split(self, request: pb.SplitCatalogueEntryRequest, caller: Caller) -> pb.CatalogueChangeResult:
        """Move members to another entry. Raises NotFoundError, InvalidInputError, DigestMismatchError."""
        requests.check_annotator(request)
        members = requests.members(request.members, caller)

        def decide(state: CatalogueState, view: CatalogueView, _: str) -> Decision:
            entry = view.find(requests.required(request.entry_id, "entry_id"))
            target = view.find(request.to_entry_id) if request.to_entry_id else None
            facts = statements.split(state.facts, entry, members, target, state.specs)
            return Decision(facts, _header(request.annotator_id, pb.CATALOGUE_CHANGE_KIND_SPLIT))

        return self._changed(caller, decide, "SplitCatalogueEntry", request.request_id)

    def remove(self, request: pb.RemoveCatalogueMembersRequest, caller: Caller) -> pb.CatalogueChangeResult:
        """Take members out of the catalogue. Raises NotFoundError."""
        requests.check_annotator(request)
        members = requests.members(request.members, caller)

        def decide(_: CatalogueState, view: CatalogueView, __: str) -> Decision:
            header = _header(request.annotator_id, pb.CATALOGUE_CHANGE_KIND_REMOVED)
            return Decision(statements.remove(view, members), header)

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

    def _source(
        self, request: pb.AddCatalogueMembersRequest, caller: Caller
    ) -> tuple[Source, survey_pb2.EmbeddingSpec]:
        own = own_survey(request.survey_id, caller)
        spec = self._surveys.described(request.survey_id).embedding
        return Source(own, self.images(request.survey_id), spec), spec

    def _changed(
        self, caller: Caller, decide: Decide, scope: str, request_id: str
    ) -> pb.CatalogueChangeResult:
        def result(changed: Changed) -> pb.CatalogueChangeResult:
            return change_result(changed.state, changed.view, changed.answer.decode())

        return self._catalogues.change(caller, decide, result, scope=scope, request_id=request_id)


def _added(additions: Additions, message: pb.CatalogueAddition, number: int) -> pb.CatalogueAdditionResult:
    try:
        one = additions.add(requests.addition(message, number))
    except SpottedError as error:
        item = survey_pb2.ItemError(reason=error.reason, message=str(error))
        return pb.CatalogueAdditionResult(error=item)
    return pb.CatalogueAdditionResult(
        entry_id=one.entry_id,
        added=one.added,
        unchanged=one.unchanged,
        created=one.created,
        same_name_entry_ids=one.same_name,
    )


def _header(annotator_id: str, kind: pb.CatalogueChangeKind.ValueType) -> pb.CatalogueChange:
    return pb.CatalogueChange(annotator_id=annotator_id, kind=kind)
