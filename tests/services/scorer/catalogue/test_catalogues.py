from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.common.access.caller import Caller
from services.common.process import now
from services.common.store import keys
from services.common.store.store import Store
from services.scorer.catalogue.catalogues import Catalogues, CatalogueState, Changed, Decision, own_survey
from spotted.catalogue.entries import CatalogueView
from spotted.catalogue.facts import Fact, Member, Membership, Value
from spotted.errors import InvalidInputError, NotFoundError
from spotted.v1 import catalogue_pb2 as pb


@pytest.fixture
def caller() -> Caller:
    """A caller of an organisation without a catalogue."""
    return Caller("token", f"org{uuid.uuid4().hex[:8]}")


def add(catalogues: Catalogues, caller: Caller, name: str, request_id: str = "") -> bytes:
    facts: dict[Fact, Value] = {Member("2024", name): Membership(f"cat-{name}", b"")}

    def decide(_: CatalogueState, __: CatalogueView, ___: str) -> Decision:
        return Decision(facts, pb.CatalogueChange(kind=pb.CATALOGUE_CHANGE_KIND_ADDED))

    def answer(changed: Changed) -> bytes:
        return changed.answer

    return catalogues.change(caller, decide, answer, scope="Add", request_id=request_id)


def seen(catalogues: Catalogues, caller: Caller) -> list[str]:
    return catalogues.look(caller, lambda _, view: [entry.entry_id for entry in view.entries])


def test_a_catalogue_that_nobody_wrote_is_empty_and_takes_no_key(store: Store, caller: Caller) -> None:
    assert seen(Catalogues(store, now), caller) == []
    assert store.names(keys.of_catalogue(caller.organisation)) == []


def test_replicas_see_each_others_changes(store: Store, caller: Caller) -> None:
    one, other = Catalogues(store, now), Catalogues(store, now)
    add(one, caller, "a")
    add(other, caller, "b")
    add(one, caller, "c")
    for catalogues in (one, other, Catalogues(store, now)):
        assert seen(catalogues, caller) == ["cat-a", "cat-b", "cat-c"]


def test_writers_that_begin_together_lose_nothing(store: Store, caller: Caller) -> None:
    replicas = [Catalogues(store, now) for _ in range(4)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: add(replicas[n % 4], caller, f"{n:02}"), range(24)))
    assert seen(replicas[0], caller) == [f"cat-{n:02}" for n in range(24)]


def test_a_repeat_gets_the_first_answer_and_changes_nothing(store: Store, caller: Caller) -> None:
    catalogues = Catalogues(store, now)
    first = add(catalogues, caller, "a", "the-same")
    assert add(catalogues, caller, "a", "the-same") == first
    assert catalogues.look(caller, lambda state, _: len(state.headers)) == 2


def test_a_decision_without_facts_writes_no_change(store: Store, caller: Caller) -> None:
    catalogues = Catalogues(store, now)
    add(catalogues, caller, "a")

    def nothing(_: CatalogueState, __: CatalogueView, ___: str) -> Decision:
        return Decision({}, pb.CatalogueChange(), b"nothing")

    answer = catalogues.change(caller, nothing, lambda changed: changed.answer, scope="Add", request_id="x")
    assert answer == b"nothing"
    assert catalogues.look(caller, lambda state, _: len(state.headers)) == 2


def test_an_error_of_a_decision_is_raised_also_if_there_is_no_catalogue_yet(
    store: Store, caller: Caller
) -> None:
    def refuse(_: CatalogueState, view: CatalogueView, __: str) -> Decision:
        view.find("cat-a")
        raise AssertionError

    with pytest.raises(NotFoundError, match="no entry 'cat-a'"):
        Catalogues(store, now).change(caller, refuse, lambda _: None, scope="Merge", request_id="")


def test_organisations_have_their_own(store: Store, caller: Caller) -> None:
    catalogues, other = Catalogues(store, now), Caller("token", f"{caller.organisation}x")
    add(catalogues, caller, "a")
    assert seen(catalogues, other) == []


def test_views_are_kept_for_each_set_of_surveys(store: Store, caller: Caller) -> None:
    catalogues = Catalogues(store, now)
    add(catalogues, caller, "a")
    for number in range(20):
        narrow = Caller("token", caller.organisation, surveys=(f"{2024 + number}",))
        assert seen(catalogues, narrow) == (["cat-a"] if number == 0 else [])
    assert seen(catalogues, caller) == ["cat-a"]


def test_a_survey_of_another_organisation_is_refused(caller: Caller) -> None:
    assert own_survey(f"{caller.organisation}/2024", caller) == "2024"
    assert own_survey("2024", Caller()) == "2024"
    for survey_id in ("2024", "another/2024"):
        with pytest.raises(InvalidInputError, match="use a token of it"):
            own_survey(survey_id, caller)
