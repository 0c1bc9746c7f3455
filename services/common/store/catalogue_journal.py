"""The journal of an organisation's catalogue."""

from __future__ import annotations

from services.common.store import keys
from services.common.store.journal import Journal
from services.common.store.store import Store
from spotted.errors import SurveyDamagedError


class CatalogueJournal(Journal):
    """The changes of a catalogue in the store."""

    def __init__(self, store: Store, organisation: str) -> None:
        """Begin. organisation: "" with tokens off."""
        super().__init__(store, organisation)
        self.key = keys.catalogue_journal(organisation)
        self._organisation = organisation

    def request_key(self, scope: str, request_id: str) -> str:
        """The key of the first answer to a request."""
        return keys.catalogue_request(self._organisation, scope, request_id)

    def damaged(self, position: int, fault: str) -> SurveyDamagedError:
        """The error for a damaged change at a position, counted from 0. fault: what is wrong with it."""
        return SurveyDamagedError(
            f"the catalogue is damaged at event {position + 1} ({fault}); restore a backup over it with "
            "`spotted restore --over-damaged`"
        )
