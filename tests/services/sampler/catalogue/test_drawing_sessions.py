"""Sessions that draw on another survey, with real services."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.common.access.caller import ANYONE, Caller, set_caller
from services.common.store.store import Store
from services.sampler.session.state import SessionState
from spotted.catalogue.facts import Member
from spotted.catalogue.foreign_ids import is_foreign
from spotted.client.values import Label
from spotted.constraints.answers import Answer
from spotted.errors import (
    AlreadyExistsError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
)
from spotted.facts.kinds import KnownIndividuals
from spotted.survey import Detection
from tests.services.sampler.catalogue.world import (
    HERE,
    THERE,
    World,
    animal_of,
    by_detection,
    finish,
    same,
    world,
)
from tests.services.scorer.catalogue.organisation import SPEC, looks


@pytest.fixture
def made(store: Store) -> Iterator[World]:
    with world(store) as one:
        yield one


@pytest.mark.parametrize("strategy", ["greedy", "learned"])
def test_questions_find_the_animals_of_the_catalogue_and_never_ask_among_them(
    made: World, strategy: str
) -> None:
    session = made.session(strategy=strategy)
    before = session.progress()
    assert (before.detections, before.individuals) == (24, 24)
    asked = finish(session)
    assert not [pair for pair in asked if all(map(is_foreign, pair))]
    assert [pair for pair in asked if any(map(is_foreign, pair))]
    found = by_detection(session)
    assert found.keys() == {f"d{n:02}" for n in range(24)}
    entries = [made.entry(number) for number in range(6)]
    for detection_id, one in found.items():
        # opposite flanks are not asked, so that one animal may stay several individuals
        assert {animal_of(i) for i in one.detection_ids} == {animal_of(detection_id)}
        number = animal_of(detection_id)
        assert one.catalogue_entry_ids in ((), (entries[number],))
        assert one.catalogue_name == (f"animal-{number}" if one.catalogue_entry_ids else "")
    assert {i for one in found.values() for i in one.catalogue_entry_ids} == set(entries)
    after = session.progress()
    assert (after.detections, after.individuals) == (24, len({i.individual_id for i in found.values()}))


@pytest.mark.parametrize("strategy", ["greedy", "learned"])
def test_animals_of_the_catalogue_are_counted_once_however_many_photographs_show_them(
    made: World, strategy: str
) -> None:
    session = made.session(strategy=strategy)
    session.next_pairs("anna")
    progress = session.progress()
    # 24 photographs: each may show one of the others, or one of the six animals
    assert progress.open_pairs is not None
    assert progress.open_pairs <= 24 * 23 // 2 + 24 * 6
    assert (progress.merges_left_at_most, progress.same_pairs) == (24, 0)


def test_members_join_the_entry_at_publication_and_the_session_stays_as_it_is(made: World) -> None:
    session = made.session()
    same(session, "d00", f"~{THERE}/d06")
    same(session, "d00", "d12")
    before = by_detection(session)
    added = made.spotted.catalogue().add_session(HERE, "main", "anna")
    assert [(one.entry_id, one.added, one.created) for one in added.animals] == [(made.entry(0), 2, False)]
    members = made.spotted.catalogue().entry(made.entry(0)).members
    assert {Member(HERE, "d00"), Member(HERE, "d12")} < set(members)
    assert by_detection(session)["d00"].detection_ids == before["d00"].detection_ids == ("d00", "d12")
    assert by_detection(session)["d00"].catalogue_entry_ids == (made.entry(0),)
    # a person may decide that two animals of the catalogue are one; the catalogue does not follow by itself
    (one,) = session.individuals(detection_id="d00")
    same(session, "d01", f"~{THERE}/d07")
    (two,) = session.individuals(detection_id="d01")
    joined = session.individual(one.individual_id).merge([two.individual_id], "anna")
    assert by_detection(session)["d01"].catalogue_entry_ids == tuple(sorted((made.entry(0), made.entry(1))))
    refused = made.spotted.catalogue().add_session(HERE, "main", "anna").animals
    assert [one.reason for one in refused] == ["PRECONDITION"]
    session.undo_change(joined.position, "anna")
    assert by_detection(session)["d01"].catalogue_name == "animal-1"
    # what is a member is not asked again, also in a new session
    other = made.session("other")
    assert by_detection(other)["d12"].detection_ids == ("d00", "d12")
    assert by_detection(other)["d12"].catalogue_name == "animal-0"


def test_two_animals_of_the_catalogue_are_two_and_an_answer_against_it_is_a_conflict(made: World) -> None:
    session = made.session()
    same(session, "d00", f"~{THERE}/d06")
    outcome = session.submit_labels([Label("d00", f"~{THERE}/d07", Answer.SAME, "ben")]).outcomes[0]
    assert outcome.conflict is not None
    (conflict,) = session.conflicts()
    assert {made.entry(0), made.entry(1)} == {name for one in conflict.evidence for name in one.names}
    with pytest.raises(NotFoundError, match="no detection"):
        same(session, "d00", f"~{THERE}/nobody")
    with pytest.raises(NotFoundError, match="animal of the catalogue that no detection"):
        session.individual(f"ind-~{THERE}/d07").get()
    assert list(session.individuals(detection_id=f"~{THERE}/d07")) == []


def test_a_moved_session_has_the_same_individuals_and_next_question(made: World) -> None:
    session = made.session()
    same(session, "d00", f"~{THERE}/d06")
    session.next_pairs("anna")
    made.spotted.catalogue().remove([Member(THERE, "d07")], "ben")
    session.progress()
    moved = made.spotted.survey(HERE).import_session("moved", session.events())
    assert [*moved.individuals()] == [*session.individuals()]
    assert moved.info().catalogue_survey_ids == (THERE,)
    asked = [one.next_pairs("anna").pairs[0] for one in (session, moved)]
    assert asked[0].first == asked[1].first
    state = SessionState()
    for event in made.sampler.sessions.events(HERE, "main"):
        state.apply(event.SerializeToString())
    live = made.sampler.sessions.folded(HERE, "main").view(lambda one, _: one.named_individuals.messages())
    assert state.named_individuals.messages() == live


@pytest.fixture
def caller() -> Iterator[None]:
    yield
    set_caller(ANYONE)


@pytest.mark.usefixtures("caller")
def test_only_who_may_read_all_surveys_may_read_the_session(made: World) -> None:
    session, sessions = made.session(), made.sampler.sessions
    same(session, "d00", f"~{THERE}/d06")
    journal = sessions.events(HERE, "main")
    stored = sessions.get(HERE, "main")
    set_caller(Caller("token", surveys=(HERE,)))
    for call in (
        lambda: sessions.get(HERE, "main"),
        lambda: sessions.current(HERE, "main"),
        lambda: sessions.events_page(HERE, "main", 0, 10),
        lambda: sessions.create(stored, ""),
        lambda: sessions.begin_import(HERE, "copy").append(journal),
    ):
        with pytest.raises(PermissionDeniedError, match="draws on surveys") as refused:
            call()
        assert THERE not in str(refused.value)
    assert sessions.existing(HERE, ["main"]) == []
    set_caller(Caller("token", surveys=("20*",)))
    (listed,) = sessions.existing(HERE, ["main"])
    listed.ClearField("update_time")
    assert listed == stored


def test_wrong_settings_are_refused(made: World) -> None:
    for more, words in (
        ({"catalogue_survey_ids": [HERE]}, "own survey"),
        ({"catalogue_survey_ids": [THERE, THERE]}, "twice"),
        ({"catalogue_survey_ids": ["a/b"]}, "1 to 64 letters"),
        ({"known_individuals": KnownIndividuals.IGNORED}, "are believed"),
    ):
        with pytest.raises(InvalidInputError, match=words):
            made.session("wrong", **more)
    session = made.session()
    with pytest.raises(InvalidInputError, match="are believed"):
        session.update(known_individuals=KnownIndividuals.SUGGESTED)
    with pytest.raises(AlreadyExistsError, match="catalogue_survey_ids"):
        made.session(catalogue_survey_ids=[])
    added = made.spotted.survey(HERE).add_detections([Detection(f"~{THERE}/d07")], looks(HERE)[:1], SPEC)
    assert "detections of other surveys" in added.rejected[0].message
