"""The scorer or the store killed when a change of the catalogue is stored, but not answered: kept once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from services.common.store import keys
from spotted.catalogue.facts import Member
from spotted.client import Spotted
from spotted.client.catalogue.messages import addition_message
from spotted.client.values import CatalogueAddition
from spotted.errors import DeadlineError, UnavailableError
from spotted.v1 import catalogue_pb2 as pb
from tests.faults.deployment import Service, StoreProcess
from tests.faults.proxy import CALM, Proxy, Weather
from tests.services.scorer.catalogue.organisation import animal, names, plant
from tests.waiting import PATIENCE_S, until

# an answer of the store is this long on its way
SLOW = Weather(delay_s=0.2)

AnswerT = TypeVar("AnswerT")


@dataclass
class Site:
    """A store behind a proxy, a scorer and a client."""

    store: StoreProcess
    proxy: Proxy
    scorer: Service
    client: Spotted

    def length(self) -> int:
        """Number of events in the journal of the catalogue."""
        return self.store.client.llen(keys.catalogue_journal(""))

    def killed(self, victim: StoreProcess | Service, call: Callable[[], AnswerT]) -> AnswerT:
        """The answer to a call that is repeated; the victim is killed once the first one's event is there."""
        before = self.length()
        self.proxy.weather = SLOW
        with ThreadPoolExecutor(1) as pool:
            answered = pool.submit(repeated, call)
            until(lambda: self.length() > before, "the change is stored")
            victim.kill()
            self.proxy.weather = CALM
            victim.start()
            answer = answered.result(PATIENCE_S)
        assert self.length() == before + 1
        return answer


def repeated(call: Callable[[], AnswerT]) -> AnswerT:
    """The answer to a call, repeated while nothing serves it."""
    answers: list[AnswerT] = []

    def served() -> bool:
        try:
            answers.append(call())
        except (UnavailableError, DeadlineError):
            return False
        return True

    until(served, "the call is answered")
    return answers[0]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    store = StoreProcess(tmp_path / "store").start()
    try:
        with Proxy(store.address) as proxy:
            scorer = Service("scorer", tmp_path, f"redis://{proxy.address}/0?socket_timeout=5").start()
            try:
                here = scorer.address
                with Spotted(embedder=here, scorer=here, sampler=here) as client:
                    yield Site(store, proxy, scorer, client)
            finally:
                scorer.kill()
            assert "Traceback" not in scorer.log
    finally:
        store.kill()


def added(client: Spotted, request_id: str, *animals: CatalogueAddition) -> Callable[[], list[str]]:
    """A call that adds animals, always under one request id; it answers with the ids of their entries."""
    request = pb.AddCatalogueMembersRequest(survey_id="2024", annotator_id="anna", request_id=request_id)
    request.additions.extend(map(addition_message, animals))

    def call() -> list[str]:
        catalogue = client.connection.catalogue
        answer = catalogue.call(catalogue.stub.AddCatalogueMembers, request)
        assert [(one.created, one.error.reason) for one in answer.results] == [(True, "")] * len(animals)
        return [one.entry_id for one in answer.results]

    return call


@pytest.mark.slow
@pytest.mark.parametrize("role", ["scorer", "store"])
def test_changes_of_the_catalogue_that_were_stored_and_not_answered_are_kept_once(
    site: Site, role: str
) -> None:
    victim = site.scorer if role == "scorer" else site.store
    plant(site.client, "2024")
    catalogue = site.client.catalogue()
    (mara,) = added(site.client, "first", animal("Mara", "d09"))()
    sita, gita = site.killed(
        victim, added(site.client, "second", animal("Sita", "d00", "d01"), animal("Gita", "d02"))
    )
    assert names(catalogue) == {"Gita": ["2024/d02"], "Mara": ["2024/d09"], "Sita": ["2024/d00", "2024/d01"]}
    merged = site.killed(victim, lambda: catalogue.merge(sita, [gita], "anna", request_id="third"))
    site.killed(victim, lambda: catalogue.remove([Member("2024", "d01")], "anna", request_id="fourth"))
    assert names(catalogue) == {"Mara": ["2024/d09"], "Sita": ["2024/d00", "2024/d02"]}
    site.killed(victim, lambda: catalogue.undo(merged.change_id, "anna", request_id="fifth"))
    assert names(catalogue) == {"Gita": ["2024/d02"], "Mara": ["2024/d09"], "Sita": ["2024/d00"]}
    kinds = [change.kind.name for change in catalogue.changes()]
    assert kinds == ["ADDED", "ADDED", "MERGED", "REMOVED", "UNDONE"]
    # the same again is the same answer
    assert added(site.client, "first", animal("Mara", "d09"))() == [mara]
    assert len(list(catalogue.changes())) == len(kinds)
