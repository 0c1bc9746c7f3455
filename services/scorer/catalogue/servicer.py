"""The catalogue's rpcs: decode, call, encode."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from services.common.access.caller import current_caller
from services.common.rpc.turns import Turns
from services.scorer.catalogue import requests
from services.scorer.catalogue.catalogues import Catalogues
from services.scorer.catalogue.changes import CatalogueChanges
from services.scorer.catalogue.listing import get_entry, list_changes, list_entries
from services.scorer.catalogue.matcher import CatalogueMatcher
from services.scorer.catalogue.members import member_responses
from services.scorer.catalogue.responses import match_responses
from services.scorer.catalogue.watching import watch_catalogue
from spotted.v1 import catalogue_pb2 as pb
from spotted.v1 import catalogue_pb2_grpc


class CatalogueServicer(catalogue_pb2_grpc.CatalogueServiceServicer):
    """spotted.v1.CatalogueService."""

    def __init__(
        self, catalogues: Catalogues, changes: CatalogueChanges, matcher: CatalogueMatcher, turns: Turns
    ) -> None:
        self._catalogues = catalogues
        self._changes = changes
        self._matcher = matcher
        self._turns = turns

    async def ListCatalogueEntries(
        self, request: pb.ListCatalogueEntriesRequest, _: object
    ) -> pb.ListCatalogueEntriesResponse:
        """List the entries."""
        caller = current_caller()
        page, token = await asyncio.to_thread(
            self._catalogues.look, caller, lambda _, view: list_entries(view, request, caller)
        )
        return pb.ListCatalogueEntriesResponse(entries=page, next_page_token=token)

    async def GetCatalogueEntry(
        self, request: pb.GetCatalogueEntryRequest, _: object
    ) -> pb.GetCatalogueEntryResponse:
        """Read an entry."""
        wanted, caller = requests.required(request.entry_id, "entry_id"), current_caller()
        entry = await asyncio.to_thread(
            self._catalogues.look, caller, lambda _, view: get_entry(view, wanted)
        )
        return pb.GetCatalogueEntryResponse(entry=entry)

    async def AddCatalogueMembers(
        self, request: pb.AddCatalogueMembersRequest, _: object
    ) -> pb.AddCatalogueMembersResponse:
        """Add animals of a survey."""
        return await asyncio.to_thread(self._changes.add, request, current_caller())

    async def UpdateCatalogueEntry(
        self, request: pb.UpdateCatalogueEntryRequest, _: object
    ) -> pb.UpdateCatalogueEntryResponse:
        """Set attributes of an entry."""
        result = await asyncio.to_thread(self._changes.update, request, current_caller())
        return pb.UpdateCatalogueEntryResponse(result=result)

    async def MergeCatalogueEntries(
        self, request: pb.MergeCatalogueEntriesRequest, _: object
    ) -> pb.MergeCatalogueEntriesResponse:
        """Make entries one."""
        result = await asyncio.to_thread(self._changes.merge, request, current_caller())
        return pb.MergeCatalogueEntriesResponse(result=result)

    async def SplitCatalogueEntry(
        self, request: pb.SplitCatalogueEntryRequest, _: object
    ) -> pb.SplitCatalogueEntryResponse:
        """Move members to another entry."""
        result = await asyncio.to_thread(self._changes.split, request, current_caller())
        return pb.SplitCatalogueEntryResponse(result=result)

    async def RemoveCatalogueMembers(
        self, request: pb.RemoveCatalogueMembersRequest, _: object
    ) -> pb.RemoveCatalogueMembersResponse:
        """Take members out."""
        result = await asyncio.to_thread(self._changes.remove, request, current_caller())
        return pb.RemoveCatalogueMembersResponse(result=result)

    async def UndoCatalogueChange(
        self, request: pb.UndoCatalogueChangeRequest, _: object
    ) -> pb.UndoCatalogueChangeResponse:
        """Undo a change."""
        result = await asyncio.to_thread(self._changes.undo, request, current_caller())
        return pb.UndoCatalogueChangeResponse(result=result)

    async def ListCatalogueChanges(
        self, request: pb.ListCatalogueChangesRequest, _: object
    ) -> pb.ListCatalogueChangesResponse:
        """List the changes."""
        caller = current_caller()
        page, token = await asyncio.to_thread(
            self._catalogues.look, caller, lambda state, view: list_changes(state, view, request, caller)
        )
        return pb.ListCatalogueChangesResponse(changes=page, next_page_token=token)

    async def WatchCatalogue(
        self, request: pb.WatchCatalogueRequest, _: object
    ) -> AsyncIterator[pb.WatchCatalogueResponse]:
        """Stream the entries, then each change of them."""
        async for response in watch_catalogue(self._catalogues, request, current_caller()):
            yield response

    async def MatchCatalogue(
        self, request: pb.MatchCatalogueRequest, _: object
    ) -> AsyncIterator[pb.MatchCatalogueResponse]:
        """Stream who photographs may show."""
        wish = requests.match(request)
        matching = await asyncio.to_thread(self._matcher.open, request.survey_id, wish, current_caller())
        async for answer in self._turns.drawn(match_responses(matching), request.survey_id):
            yield answer

    async def ReadCatalogueMembers(
        self, request: pb.ReadCatalogueMembersRequest, _: object
    ) -> AsyncIterator[pb.ReadCatalogueMembersResponse]:
        """Stream the members that can be compared with a survey."""
        answers = member_responses(self._matcher, request, current_caller())
        async for answer in self._turns.drawn(answers, request.survey_id):
            yield answer
