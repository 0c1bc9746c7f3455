"""The catalogue as it is: its animals, changes of them, and those that photographs may show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from spotted.client.catalogue.messages import (
    change_value,
    entry_value,
    entry_values,
    match_values,
    member_photographs,
    watched_catalogue_changes,
)
from spotted.client.connection import Connection
from spotted.client.values.catalogue import (
    CatalogueChange,
    CatalogueEntry,
    CatalogueMatch,
    MemberPhotograph,
    WatchedCatalogueChange,
)
from spotted.ranking.defaults import TOP_K
from spotted.scoring.fusion import Fusion
from spotted.v1 import catalogue_pb2 as pb
from spotted.v1 import survey_pb2


class CatalogueReader:
    """The catalogue of the caller's organisation, as a token with the role `read` may use it.

    A token that may access only some surveys sees the catalogue as if the others were not there.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._catalogue = connection.catalogue

    def entries(
        self, *, survey_id: str = "", detection_id: str = "", display_name: str = ""
    ) -> Iterator[CatalogueEntry]:
        """The entries, ordered by name, then by id.

        survey_id: only those with members in this survey. detection_id: only that of this detection of the
        survey. display_name: only those with this name, their own or of an alias.
        """
        request = pb.ListCatalogueEntriesRequest(
            survey_id=survey_id, detection_id=detection_id, display_name=display_name
        )
        pages = self._catalogue.pages(self._catalogue.stub.ListCatalogueEntries, request)
        yield from entry_values(entry for page in pages for entry in page.entries)

    def entry(self, entry_id: str) -> CatalogueEntry:
        """An entry by its id or an alias. Raises NotFoundError."""
        request = pb.GetCatalogueEntryRequest(entry_id=entry_id)
        return entry_value([self._catalogue.call(self._catalogue.stub.GetCatalogueEntry, request).entry])

    def changes(self, entry_id: str = "") -> Iterator[CatalogueChange]:
        """The changes, oldest first. entry_id: only those that concern this entry."""
        request = pb.ListCatalogueChangesRequest(entry_id=entry_id)
        for page in self._catalogue.pages(self._catalogue.stub.ListCatalogueChanges, request):
            yield from (change_value(change) for change in page.changes)

    def watch(self, cursor: str = "") -> Iterator[WatchedCatalogueChange]:
        """The entries, then each change of them, for up to an hour; stop iterating to stop watching.

        cursor: that of the last change applied; "" begins with a full list.
        """
        request = pb.WatchCatalogueRequest(cursor=cursor)
        responses = self._catalogue.stream(self._catalogue.stub.WatchCatalogue, request)
        yield from watched_catalogue_changes(responses)

    def match(
        self,
        survey_id: str,
        *,
        detection_ids: Sequence[str] = (),
        as_one: bool = False,
        encounter_ids: Sequence[str] = (),
        each_encounter: bool = False,
        top_k: int = TOP_K,
        fusion: Fusion = Fusion.PRODUCT,
        comparable_sides_only: bool = False,
    ) -> Iterator[CatalogueMatch]:
        """The animals of the catalogue that photographs of a survey may show, from other surveys.

        detection_ids: each a query, or with `as_one` photographs of one animal. encounter_ids: each a query
        of all its detections; each_encounter: all encounters. Without any of these, every detection.
        Raises NotFoundError.
        """
        request = pb.MatchCatalogueRequest(
            survey_id=survey_id,
            detection_ids=detection_ids,
            as_one=as_one,
            encounter_ids=encounter_ids,
            each_encounter=each_encounter,
            top_k=top_k,
            fusion=survey_pb2.Fusion.ValueType(fusion),
            comparable_sides_only=comparable_sides_only,
        )
        for response in self._catalogue.stream(self._catalogue.stub.MatchCatalogue, request):
            yield from match_values(response)

    def members_beside(self, survey_id: str, survey_ids: Sequence[str] = ()) -> Iterator[MemberPhotograph]:
        """The members in other surveys that can be compared with the photographs of a survey.

        survey_ids: only of these surveys; empty for all. Raises NotFoundError.
        """
        request = pb.ReadCatalogueMembersRequest(survey_id=survey_id, survey_ids=survey_ids)
        for response in self._catalogue.stream(self._catalogue.stub.ReadCatalogueMembers, request):
            yield from member_photographs(response)
