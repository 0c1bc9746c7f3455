"""The scorer or the store killed when a change of the catalogue is stored, but not answered: kept once.

A platform that follows the changes has the same animals in the end.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from services.common.store import keys
from spotted.catalogue.facts import Member
from spotted.client import Spotted
from spotted.client.catalogue.messages import addition_message
from spotted.client.values import CatalogueAddition, CatalogueEntry
from spotted.errors import (
    AlreadyExistsError,
    DeadlineError,
    InvalidInputError,
    NotFoundError,
    PreconditionError,
    UnavailableError,
)
from spotted.v1 import catalogue_pb2 as pb
from tests.faults.deployment import Service, StoreProcess
from tests.faults.proxy import CALM, Proxy, Weather
from tests.services.scorer.catalogue.organisation import animal, names, plant
from tests.waiting import PATIENCE_S, until

# an answer of the store is this long on its way
SLOW = Weather(delay_s=0.2)
OPERATIONS, SCORER_KILLS, STORE_KILLS = 60, 10, 25
# a change that others made impossible, or that asks for nothing new
REFUSED = (NotFoundError, AlreadyExistsError, PreconditionError, InvalidInputError)

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


@dataclass
class Copy:
    """The platform's animals, only from the stream of changes, and the cursor stored with them."""

    client: Spotted
    entries: dict[str, CatalogueEntry] = field(default_factory=dict)
    cursor: str = ""
    stopped: threading.Event = field(default_factory=threading.Event)

    def follow(self) -> None:
        """Apply each change; a stream that ends is resumed."""
        while not self.stopped.is_set():
            with suppress(UnavailableError, DeadlineError):
                for change in self.client.catalogue().watch(self.cursor):
                    kept = {} if change.reset else dict(self.entries)
                    for ended in change.ended:
                        kept.pop(ended, None)
                    self.entries = kept | {entry.entry_id: entry for entry in change.entries}
                    self.cursor = change.cursor
                    if self.stopped.is_set():
                        return
            self.stopped.wait(0.02)

    def is_as_listed(self) -> bool:
        """Whether it has what the catalogue lists."""
        return self.entries == {entry.entry_id: entry for entry in self.client.catalogue().entries()}


def operate(client: Spotted, entries: Sequence[CatalogueEntry], rng: np.random.Generator) -> None:
    """A random change of the catalogue, or of the survey."""
    catalogue, photo = client.catalogue(), f"d{rng.integers(24):02}"
    one, other = (entries[int(n)] for n in rng.choice(len(entries), 2)) if entries else (None, None)
    match rng.choice(
        ["add", "merge", "split", "remove", "undo", "name", "delete"], p=[0.3, *[0.14] * 4, 0.1, 0.04]
    ):
        case "merge" if one and other:
            catalogue.merge(one.entry_id, [other.entry_id], "anna")
        case "split" if one:
            catalogue.split(one.entry_id, one.members[: (len(one.members) + 1) // 2], "anna")
        case "remove":
            catalogue.remove([Member("2024", photo)], "anna")
        case "undo":
            changes = [change.change_id for change in catalogue.changes()]
            catalogue.undo(changes[int(rng.integers(len(changes)))] if changes else "none", "anna")
        case "name" if one:
            catalogue.update(one.entry_id, "anna", display_name=f"name-{rng.integers(5)}")
        case "delete":
            client.survey("2024").delete_detections([photo])
        case _:
            catalogue.add("2024", [animal("", photo)], "anna")


@pytest.mark.slow
def test_a_platform_that_follows_the_catalogue_has_its_animals_in_spite_of_kills(site: Site) -> None:
    plant(site.client, "2024")
    rng, copy = np.random.default_rng(5), Copy(site.client)
    follower = threading.Thread(target=copy.follow)
    follower.start()
    try:
        for number in range(1, OPERATIONS + 1):
            entries = sorted(copy.entries.values(), key=lambda entry: entry.entry_id)
            with suppress(*REFUSED):
                repeated(lambda entries=entries: operate(site.client, entries, rng))  # type: ignore[misc] # bound now
            if number % SCORER_KILLS == 0:
                site.scorer.kill()
                if number % STORE_KILLS == 0:
                    site.store.kill()
                    site.store.start()
                site.scorer.start()
        until(copy.is_as_listed, "the copy equals the catalogue")
        assert len(copy.entries) > 1
        assert len(list(site.client.catalogue().changes())) > OPERATIONS / 2
    finally:
        copy.stopped.set()
        # a change, or the end of the scorer, ends the wait for one
        site.scorer.kill()
        follower.join()
