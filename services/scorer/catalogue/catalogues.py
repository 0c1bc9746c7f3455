"""The catalogues of a store, each rebuilt from its journal, and seen as a caller may see it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from services.common.access.caller import Caller
from services.common.store import keys
from services.common.store.cache import Recent
from services.common.store.catalogue_journal import CatalogueJournal
from services.common.store.folded import Folded
from services.common.store.journal import Change
from services.common.store.organisations import enrol
from services.common.store.store import Store
from services.scorer.catalogue.events import read_change, write_facts
from spotted.catalogue.entries import CatalogueView
from spotted.catalogue.facts import Fact, Facts, Value
from spotted.errors import InvalidInputError, NotFoundError
from spotted.v1 import catalogue_pb2 as pb
from spotted.v1 import survey_pb2

# approximate memory of all catalogues; the one used last always stays
BUDGET_BYTES = 64 * 1024**2
FACT_BYTES = 500
# views kept of one state: of callers who may access different surveys
MOST_VIEWS = 8

LookT = TypeVar("LookT")


class NothingYetError(NotFoundError):
    """The organisation has no catalogue yet, which reads as an empty one."""


class CatalogueState:
    """A catalogue after the changes of its journal."""

    def __init__(self) -> None:
        self.facts = Facts()
        self.headers: dict[str, pb.CatalogueChange] = {}
        """Each change without the facts that it set, oldest first."""
        self.specs: dict[str, survey_pb2.EmbeddingSpec] = {}
        """How the vectors of each survey with members are made."""
        self._views: dict[tuple[str, ...], CatalogueView] = {}

    @property
    def size_bytes(self) -> int:
        """Approximate memory."""
        return FACT_BYTES * sum(len(change.facts) for change, _ in self.facts.changes.values())

    def apply(self, event: bytes) -> None:
        """Apply one change, serialised."""
        message = pb.CatalogueChange.FromString(event)
        self.facts.apply(read_change(message))
        if message.HasField("embedding"):
            self.specs[message.survey_id] = message.embedding
        for part in ("members", "attributes", "links", "embedding"):
            message.ClearField(part)
        self.headers[message.change_id] = message
        self._views.clear()

    def view(self, caller: Caller) -> CatalogueView:
        """The entries that a caller sees."""
        if caller.surveys not in self._views:
            if len(self._views) >= MOST_VIEWS:
                self._views.clear()
            self._views[caller.surveys] = CatalogueView(self.facts, caller.sees if caller.surveys else None)
        return self._views[caller.surveys]


@dataclass(frozen=True, slots=True)
class Decision:
    """A change to make."""

    facts: Mapping[Fact, Value]
    """Value of each fact after it; empty if nothing changes."""
    header: pb.CatalogueChange
    """The change without its facts."""
    answer: bytes = b""
    """Kept for repeats of the request; empty: the id of the change."""


# takes also the id that the change will have
Decide = Callable[[CatalogueState, CatalogueView, str], Decision]


@dataclass(frozen=True, slots=True)
class Changed:
    """A catalogue after a change."""

    answer: bytes
    """The answer to the first call of the request."""
    state: CatalogueState
    view: CatalogueView


@dataclass(slots=True)
class Catalogues:
    """The catalogues of a store."""

    store: Store
    now: Callable[[], Timestamp]
    _folded: Recent[str, Folded[CatalogueState]] = field(
        default_factory=lambda: Recent(BUDGET_BYTES, lambda folded: folded.peek().size_bytes)
    )

    def look(self, caller: Caller, look: Callable[[CatalogueState, CatalogueView], LookT]) -> LookT:
        """Return `look` of the catalogue of the caller's organisation, and of what the caller sees of it."""
        try:
            return self._of(caller).view(lambda state, _: look(state, state.view(caller)))
        except NothingYetError:
            empty = CatalogueState()
            return look(empty, empty.view(caller))

    def change(
        self,
        caller: Caller,
        decide: Decide,
        look: Callable[[Changed], LookT],
        *,
        scope: str,
        request_id: str,
    ) -> LookT:
        """Decide on a change, append it, and return `look` of the catalogue after it."""
        folded = self._of(caller)

        def entry(state: CatalogueState) -> Change:
            change_id = uuid.uuid4().hex
            decision = decide(state, state.view(caller), change_id)
            answer = decision.answer or change_id.encode()
            if not decision.facts:
                return Change(b"", answer)
            message = decision.header
            message.change_id = change_id
            message.create_time.CopyFrom(self.now())
            write_facts(message, decision.facts)
            return Change(message.SerializeToString(), answer)

        def attempt() -> LookT:
            return folded.change_and_view(
                entry,
                lambda reply, state, _: look(Changed(reply.value, state, state.view(caller))),
                scope=scope,
                request_id=request_id,
            )

        try:
            return attempt()
        except NothingYetError:
            enrol(self.store, caller.organisation)
            begin = pb.CatalogueChange(change_id=uuid.uuid4().hex, create_time=self.now())
            folded.journal.append(
                Change(begin.SerializeToString(), b""), expected=0, scope="begin", request_id=begin.change_id
            )
            return attempt()

    def _of(self, caller: Caller) -> Folded[CatalogueState]:
        organisation = caller.organisation

        def missing() -> NothingYetError:
            # takes no memory
            self._folded.drop(organisation)
            return NothingYetError("the catalogue is empty; add animals to it")

        journal = CatalogueJournal(self.store, organisation)
        return self._folded.get(organisation, lambda: Folded(journal, CatalogueState, missing))


def own_survey(survey_id: str, caller: Caller) -> str:
    """A survey's id within its organisation. Raises InvalidInputError for one of another organisation."""
    if keys.owner(survey_id) != caller.organisation:
        raise InvalidInputError(
            f"survey {survey_id!r} belongs to an organisation; use a token of it for its catalogue",
            field="survey_id",
        )
    return survey_id.removeprefix(caller.prefix)


def reader(survey_id: str, survey_ids: Sequence[str], caller: Caller) -> Caller:
    """A caller as a reader of the catalogue for a survey; a service reads for the organisation of the survey.

    survey_ids: the only other surveys that it reads; empty for all that it may read. Raises
    PermissionDeniedError for one that it may not read.
    """
    for each in survey_ids:
        caller.qualified(each)
    if caller.speaks_for_all:
        caller = replace(caller, organisation=keys.owner(survey_id))
    only = (own_survey(survey_id, caller), *survey_ids) if survey_ids else caller.surveys
    return replace(caller, surveys=only)
