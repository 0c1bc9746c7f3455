"""A catalogue in memory, by the rules of the real one; matches go by looks only.

Values of attributes are not checked, and a watch ends when it has sent what changed until then.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np

from spotted import messages
from spotted.catalogue import statements
from spotted.catalogue.additions import Addition, Additions, Source
from spotted.catalogue.differences import find_differences
from spotted.catalogue.entries import CatalogueView
from spotted.catalogue.facts import Change, Fact, Facts, Member, Membership, Value
from spotted.client.catalogue.messages import entry_value
from spotted.client.individuals.messages import individual_value
from spotted.client.values.catalogue import CatalogueEntry
from spotted.client.values.individuals import Individual
from spotted.errors import InvalidInputError, SpottedError
from spotted.testing.fake_catalogue_messages import ATTRIBUTES, change_message, entry_message, queries_of
from spotted.testing.fake_scorer import FakeScorer
from spotted.testing.fake_survey import StoredSurvey
from spotted.testing.server import Replies
from spotted.v1 import catalogue_pb2 as pb
from spotted.v1 import survey_pb2


class StatedRequest(Protocol):
    """A request to change the catalogue."""

    annotator_id: str


class FakeCatalogue:
    """The animals of the surveys of a fake scorer.

    >>> from spotted.client.values import CatalogueAddition, Individual
    >>> from spotted import Detection, Survey
    >>> from spotted.client import EmbeddingSpec
    >>> from spotted.testing import fake_services
    >>> with fake_services() as spotted:
    ...     survey = spotted.create_survey(Survey("kruger", 0.0, 86_400.0))
    ...     spec = EmbeddingSpec("backbone", "preprocessing", dimension=2)
    ...     added = survey.add_detections([Detection("a"), Detection("b")], np.eye(2), spec)
    ...     sita = CatalogueAddition(Individual("", ("a",), "Sita"))
    ...     added = spotted.catalogue().add("kruger", [sita], "anna")
    ...     print([(entry.name, len(entry.members)) for entry in spotted.catalogue().entries()])
    [('Sita', 1)]
    """

    def __init__(self, scorer: FakeScorer) -> None:
        self._scorer = scorer
        self._facts = Facts()
        self._headers: dict[str, pb.CatalogueChange] = {}

    def replies(self) -> Replies:
        """The rpcs that it answers, by name."""
        return {
            "ListCatalogueEntries": self._list,
            "GetCatalogueEntry": lambda request: pb.GetCatalogueEntryResponse(
                entry=entry_message(self._view().find(request.entry_id))
            ),
            "AddCatalogueMembers": self._add,
            "UpdateCatalogueEntry": self._update,
            "MergeCatalogueEntries": self._merge,
            "SplitCatalogueEntry": self._split,
            "RemoveCatalogueMembers": self._remove,
            "UndoCatalogueChange": self._undo,
            "ListCatalogueChanges": self._changes,
            "WatchCatalogue": self._watch,
            "MatchCatalogue": self._match,
            "ReadCatalogueMembers": self._members_beside,
        }

    def _view(self) -> CatalogueView:
        """The entries, without members whose photograph was deleted or replaced meanwhile."""
        images = {survey_id: _images(stored) for survey_id, stored in self._scorer.surveys.items()}
        gone: dict[Fact, Value] = {
            fact: None
            for fact, value in self._facts.known.items()
            if isinstance(fact, Member)
            and isinstance(value, Membership)
            and images.get(fact.survey_id, {}).get(fact.detection_id) != value.image
        }
        if gone:
            kind, source = pb.CATALOGUE_CHANGE_KIND_REMOVED, pb.CATALOGUE_SOURCE_DELETION
            self._change(gone, pb.CatalogueChange(kind=kind, source=source))
        return CatalogueView(self._facts)

    def _specs(self) -> dict[str, object]:
        return {survey_id: one.message.embedding for survey_id, one in self._scorer.surveys.items()}

    def _change(self, facts: Mapping[Fact, Value], header: pb.CatalogueChange) -> str:
        """Carry out a change; returns its id."""
        header.change_id = uuid.uuid4().hex
        self._headers[header.change_id] = header
        self._facts.apply(Change(header.change_id, facts))
        return header.change_id

    def _changed(
        self, facts: Mapping[Fact, Value], request: StatedRequest, header: pb.CatalogueChange
    ) -> pb.CatalogueChangeResult:
        header.annotator_id = request.annotator_id
        change_id = self._change(facts, header)
        entries = CatalogueView(self._facts).those(self._facts.concerned(change_id))
        return pb.CatalogueChangeResult(change_id=change_id, entries=map(entry_message, entries))

    def _list(self, request: pb.ListCatalogueEntriesRequest) -> pb.ListCatalogueEntriesResponse:
        view = self._view()
        found = view.named(request.display_name) if request.display_name else view.entries
        if request.detection_id:
            one = view.of(Member(request.survey_id, request.detection_id))
            found = [entry for entry in found if entry == one]
        elif request.survey_id:
            found = [e for e in found if request.survey_id in {member.survey_id for member in e.members}]
        return pb.ListCatalogueEntriesResponse(entries=map(entry_message, found))

    def _add(self, request: pb.AddCatalogueMembersRequest) -> pb.AddCatalogueMembersResponse:
        stored = self._scorer.survey(request.survey_id)
        source = Source(request.survey_id, _images(stored), stored.message.embedding)
        additions = Additions(self._view(), self._specs(), source, request.names_identify)
        response = pb.AddCatalogueMembersResponse(
            results=[_added(additions, one) for one in request.additions]
        )
        if additions.facts:
            header = pb.CatalogueChange(
                annotator_id=request.annotator_id,
                kind=pb.CATALOGUE_CHANGE_KIND_ADDED,
                source=request.source or pb.CATALOGUE_SOURCE_PERSON,
                survey_id=request.survey_id,
                session_id=request.session_id,
            )
            response.change_id = self._change(additions.facts, header)
        return response

    def _update(self, request: pb.UpdateCatalogueEntryRequest) -> pb.UpdateCatalogueEntryResponse:
        sent = request.entry
        paths = list(request.update_mask.paths) or [
            field.name for field, _ in sent.ListFields() if field.name in ATTRIBUTES
        ]
        if not paths:
            raise InvalidInputError("no attribute is named; name those to set", field="update_mask")
        values = _values(entry_value([sent]), paths)
        facts = statements.update(self._view().find(sent.entry_id), values, sent.etag)
        header = pb.CatalogueChange(kind=pb.CATALOGUE_CHANGE_KIND_UPDATED)
        return pb.UpdateCatalogueEntryResponse(result=self._changed(facts, request, header))

    def _merge(self, request: pb.MergeCatalogueEntriesRequest) -> pb.MergeCatalogueEntriesResponse:
        wanted = [request.entry_id, *request.merged_entry_ids]
        facts = statements.merge(self._view(), wanted, self._specs())
        header = pb.CatalogueChange(kind=pb.CATALOGUE_CHANGE_KIND_MERGED)
        return pb.MergeCatalogueEntriesResponse(result=self._changed(facts, request, header))

    def _split(self, request: pb.SplitCatalogueEntryRequest) -> pb.SplitCatalogueEntryResponse:
        view = self._view()
        target = view.find(request.to_entry_id) if request.to_entry_id else None
        entry, members = view.find(request.entry_id), _members(request.members)
        facts = statements.split(self._facts, entry, members, target, self._specs())
        header = pb.CatalogueChange(kind=pb.CATALOGUE_CHANGE_KIND_SPLIT)
        return pb.SplitCatalogueEntryResponse(result=self._changed(facts, request, header))

    def _remove(self, request: pb.RemoveCatalogueMembersRequest) -> pb.RemoveCatalogueMembersResponse:
        facts = statements.remove(self._view(), _members(request.members))
        header = pb.CatalogueChange(kind=pb.CATALOGUE_CHANGE_KIND_REMOVED)
        return pb.RemoveCatalogueMembersResponse(result=self._changed(facts, request, header))

    def _undo(self, request: pb.UndoCatalogueChangeRequest) -> pb.UndoCatalogueChangeResponse:
        self._view()
        header = pb.CatalogueChange(kind=pb.CATALOGUE_CHANGE_KIND_UNDONE, undone_change_id=request.change_id)
        result = self._changed(self._facts.inverse(request.change_id), request, header)
        return pb.UndoCatalogueChangeResponse(result=result)

    def _changes(self, request: pb.ListCatalogueChangesRequest) -> pb.ListCatalogueChangesResponse:
        view = self._view()
        shown = list(self._headers)
        if request.entry_id:
            entry = view.find(request.entry_id)
            wanted = {entry.entry_id, *(alias for alias, _ in entry.aliases)}
            shown = [one for one in shown if not wanted.isdisjoint(self._facts.concerned(one))]
        changes = [change_message(self._headers[one], self._facts.changes[one][0]) for one in shown]
        return pb.ListCatalogueChangesResponse(changes=changes)

    def _watch(self, request: pb.WatchCatalogueRequest) -> Iterator[pb.WatchCatalogueResponse]:
        entries = self._view().entries
        catalogue, _, change_id = request.cursor.partition("-")
        reset = catalogue != str(id(self))
        before = [] if reset else CatalogueView(self._facts.after(change_id)).entries
        found = find_differences(before, entries)
        yield pb.WatchCatalogueResponse(
            reset=reset,
            ended_entry_ids=found.ended,
            entries=map(entry_message, found.changed),
            cursor=f"{id(self)}-{next(reversed(self._headers), '')}",
        )

    def _match(self, request: pb.MatchCatalogueRequest) -> Iterator[pb.MatchCatalogueResponse]:
        if request.comparable_sides_only or request.top_k < 1:
            raise InvalidInputError(
                "this fake compares all sides, and needs a positive top_k; correct the request", field="top_k"
            )
        stored = self._scorer.survey(request.survey_id)
        view = self._view()
        gallery = self._gallery(stored, request.survey_ids)
        response = pb.MatchCatalogueResponse()
        for encounter_id, detection_ids in queries_of(stored, request):
            match = response.matches.add(encounter_id=encounter_id, compared=len(gallery))
            match.detection_ids.extend(detection_ids)
            own = {entry.entry_id for i in detection_ids if (entry := view.of(Member(request.survey_id, i)))}
            match.entry_id = own.pop() if len(own) == 1 else ""
            found = [self._candidate(stored, detection_ids, *each) for each in gallery.items()]
            found.sort(key=lambda one: (-one.fused, one.survey_id, one.detection_id))
            match.photographs.extend(found[: request.top_k])
            best: dict[str, pb.PhotographCandidate] = {}
            for one in found:
                best.setdefault(one.entry_id, one)
            for entry_id in list(best)[: request.top_k]:
                name = view.find(entry_id).name
                match.animals.add(entry_id=entry_id, display_name=name, best=best[entry_id])
        yield response

    def _gallery(self, stored: StoredSurvey, survey_ids: Sequence[str]) -> dict[Member, str]:
        """The entry of each member in other surveys that is compared with a survey."""
        return {
            member: entry.entry_id
            for entry in self._view().entries
            for member in entry.members
            if member.survey_id != stored.message.survey_id
            and (not survey_ids or member.survey_id in survey_ids)
            and self._scorer.survey(member.survey_id).message.embedding == stored.message.embedding
        }

    def _members_beside(
        self, request: pb.ReadCatalogueMembersRequest
    ) -> Iterator[pb.ReadCatalogueMembersResponse]:
        gallery = self._gallery(self._scorer.survey(request.survey_id), request.survey_ids)
        response = pb.ReadCatalogueMembersResponse()
        for member in sorted(gallery):
            one = self._scorer.survey(member.survey_id).detections[member.detection_id]
            detection = messages.detection_message(one)
            response.members.add(survey_id=member.survey_id, detection=detection, entry_id=gallery[member])
        yield response

    def _candidate(
        self, stored: StoredSurvey, detection_ids: Sequence[str], member: Member, entry_id: str
    ) -> pb.PhotographCandidate:
        """A member with the photograph of the query that looks most like it."""
        vector = self._scorer.survey(member.survey_id).vectors[member.detection_id].astype(np.float32)
        looks = [float(vector @ stored.vectors[i].astype(np.float32)) for i in detection_ids]
        best = int(np.argmax(looks))
        return pb.PhotographCandidate(
            survey_id=member.survey_id,
            detection_id=member.detection_id,
            entry_id=entry_id,
            query_detection_id=detection_ids[best],
            visual=max(0.0, looks[best]),
            fused=max(0.0, looks[best]),
        )


def _added(additions: Additions, sent: pb.CatalogueAddition) -> pb.CatalogueAdditionResult:
    one = individual_value([sent.individual])
    values = {path: value for path, value in _values(one, ATTRIBUTES).items() if value is not None}
    try:
        found = additions.add(Addition(sent.entry_id, one.detection_ids, values))
    except SpottedError as error:
        reason = survey_pb2.ItemError(reason=error.reason, message=str(error))
        return pb.CatalogueAdditionResult(error=reason)
    result = pb.CatalogueAdditionResult(entry_id=found.entry_id, same_name_entry_ids=found.same_name)
    result.added, result.unchanged, result.created = found.added, found.unchanged, found.created
    return result


def _values(one: Individual | CatalogueEntry, paths: Sequence[str]) -> dict[str, Value]:
    """Attributes by path, None for those that are unknown."""
    names = {path: "dead_since_s" if path == "dead_since" else path for path in paths}
    return {path: getattr(one, name) or None for path, name in names.items()}


def _members(listed: Sequence[pb.CatalogueMember]) -> list[Member]:
    if not listed:
        raise InvalidInputError("no member is named; name at least one", field="members")
    return [Member(one.survey_id, one.detection_id) for one in listed]


def _images(stored: StoredSurvey) -> dict[str, bytes]:
    """A digest of the vector of each detection."""
    return {i: hashlib.sha256(vector.tobytes()).digest()[:16] for i, vector in stored.vectors.items()}
