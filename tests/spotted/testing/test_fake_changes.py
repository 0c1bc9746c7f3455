"""Each test runs against the fake and against a real scorer and sampler."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.common.store.store import Store
from spotted.client import IndividualHandle, Label, SessionHandle, SurveyHandle
from spotted.client.values import Individual, IndividualsChange
from spotted.constraints.answers import Answer
from spotted.constraints.trust import Trust
from spotted.errors import AlreadyExistsError, InvalidInputError, NotFoundError, PreconditionError
from spotted.facts import KnownIndividuals
from spotted.individuals.attributes import Sex, Status
from spotted.survey import Detection
from spotted.testing import fake_changes, fake_services
from spotted.testing.fake_session import FoldedSession
from spotted.v1 import individuals_pb2 as pb
from tests.spotted.client.surveys import DETECTIONS, SPEC, serving, survey, vectors

# two photographs of one image, which no decision makes one animal
ONE_IMAGE = [Detection(f"i{i}", "c0", 0.0, image_id="both") for i in range(2)]


@pytest.fixture(params=["fake", "real"])
def stored(request: pytest.FixtureRequest, store: Store, survey_id: str) -> Iterator[SurveyHandle]:
    with fake_services() if request.param == "fake" else serving(store) as spotted:
        made = spotted.create_survey(survey(survey_id))
        made.add_detections([*DETECTIONS, *ONE_IMAGE], vectors()[[*range(len(DETECTIONS)), 0, 0]], SPEC)
        yield made


def opened(stored: SurveyHandle, known: KnownIndividuals = KnownIndividuals.IGNORED) -> SessionHandle:
    session = stored.create_session("main", strategy="greedy", trust=Trust.SINGLE, known_individuals=known)
    session.next_pairs("anna")
    return session


@pytest.fixture
def session(stored: SurveyHandle) -> SessionHandle:
    return opened(stored)


def seen(one: Individual) -> tuple[object, ...]:
    aliases = {(alias.individual_id, alias.display_name) for alias in one.aliases}
    return one.individual_id, one.detection_ids, one.name, one.sex, one.status, one.notes, one.tags, aliases


def all_of(session: SessionHandle) -> list[tuple[object, ...]]:
    return [seen(one) for one in session.individuals()]


def ids(change: IndividualsChange) -> list[str]:
    return [one.individual_id for one in change.individuals]


def test_individuals_are_described_and_found_by_name(session: SessionHandle) -> None:
    handle = session.individual("ind-d00")
    assert isinstance(handle, IndividualHandle)
    handle.rename("Sita", "anna")
    change = handle.update("anna", sex=Sex.FEMALE, status=Status.DEAD, dead_since_s=5.0, tags=["ear"])
    (one,) = change.individuals
    assert one == handle.get() == next(session.individuals(display_name="sita"))
    assert (one.name, one.sex, one.dead_since_s, one.tags) == ("Sita", Sex.FEMALE, 5.0, ("ear",))
    assert one.position == change.position
    assert [i.individual_id for i in session.individuals(detection_id="d00")] == ["ind-d00"]
    with pytest.raises(AlreadyExistsError, match="'ind-d00' is named 'Sita' already"):
        session.individual("ind-d01").rename("SITA", "anna")


def test_each_change_is_undone_in_any_order_that_holds(session: SessionHandle) -> None:
    session.submit_labels([Label("d00", "d04", Answer.DIFFERENT, "anna", note="ears")])
    before = all_of(session)
    first = session.individual("ind-d00")
    merged = first.merge(["ind-d04", "ind-d08"], "carla")
    assert ids(merged) == ["ind-d00"]
    assert [(one.note, one.answer) for one in merged.superseded] == [("ears", Answer.DIFFERENT)]
    split = first.split(["d00"], "carla", as_of=merged.position)
    assert [one.detection_ids for one in split.individuals] == [("d04", "d08"), ("d00",)]
    moved = first.move_here(["d00", "d01"], "carla")
    assert first.get().detection_ids == ("d00", "d01", "d04", "d08")
    with pytest.raises(PreconditionError, match="changed at position"):
        first.merge(["ind-d02"], "carla", as_of=merged.position)
    for change in (moved, split, merged):
        undone = session.undo_change(change.position, "carla")
        assert undone.superseded_count == change.superseded_count
    assert all_of(session) == before
    with pytest.raises(NotFoundError, match="was undone"):
        session.undo_change(merged.position, "carla")


def test_a_change_that_a_later_one_needs_is_not_undone(session: SessionHandle) -> None:
    one = session.individual("ind-d00")
    first = one.merge(["ind-d04", "ind-d08"], "carla")
    split = one.split(["d04", "d08"], "carla")
    moved = one.move_here(["d08"], "carla")
    with pytest.raises(PreconditionError, match=f"would not hold without change {split.position}; undo"):
        session.undo_change(split.position, "carla")
    for change in (moved, split):
        session.undo_change(change.position, "carla")
    assert one.get().detection_ids == ("d00", "d04", "d08")
    session.undo_change(first.position, "carla")
    assert one.get().detection_ids == ("d00",)


def test_ids_become_aliases_and_return(session: SessionHandle) -> None:
    session.individual("ind-d04").rename("Sita", "anna")
    kept = session.individual("ind-d00").merge(["ind-d04"], "carla")
    assert session.individual("ind-d00").get().individual_id == "ind-d04"
    session.submit_labels([Label("d00", "d01", Answer.SAME, "anna")])
    assert session.individual("ind-d01").get().name == "Sita"
    assert [one.name for one in session.individuals(changed_since=kept.position)] == ["Sita"]
    session.undo_change(kept.position, "carla")
    assert next(session.individuals()).detection_ids == ("d00", "d01")


def test_known_names_give_way_to_decisions(stored: SurveyHandle) -> None:
    session = opened(stored, KnownIndividuals.BELIEVED)
    before = all_of(session)
    (one,) = session.individuals(detection_id="d00")
    (other,) = session.individuals(detection_id="d01")
    merged = session.individual(one.individual_id).merge([other.individual_id], "carla")
    assert [fact.names for fact in merged.superseded_facts] == [("a0", "a1")]
    assert len(merged.individuals[0].detection_ids) == 6
    split = session.individual(one.individual_id).split(["d08"], "carla")
    assert {fact.names for fact in split.superseded_facts} == {("a0",)}
    session.undo_change(split.position, "carla")
    session.undo_change(merged.position, "carla")
    assert all_of(session) == before


def test_wrong_changes_are_refused_and_change_nothing(session: SessionHandle) -> None:
    before = all_of(session)
    one = session.individual("ind-d00")
    with pytest.raises(NotFoundError, match="'main' has no individual 'ind-nosuch'"):
        session.individual("ind-nosuch").get()
    with pytest.raises(NotFoundError, match="'nosuch'"):
        one.move_here(["nosuch"], "carla")
    for others in ([], ["ind-d00"], ["ind-d01", "ind-d01"]):
        with pytest.raises(InvalidInputError):
            one.merge(others, "carla")
    with pytest.raises(InvalidInputError, match="leave at least one out"):
        one.split(["d00"], "carla")
    with pytest.raises(InvalidInputError, match="does not belong"):
        one.split(["d01"], "carla")
    with pytest.raises(InvalidInputError, match="already; leave it out"):
        one.move_here(["d00"], "carla")
    with pytest.raises(InvalidInputError):
        one.move_here([], "carla")
    with pytest.raises(InvalidInputError):
        one.update("carla")
    with pytest.raises(PreconditionError, match="one image shows both"):
        session.individual("ind-i0").merge(["ind-i1"], "carla")
    with pytest.raises(NotFoundError, match="position 1"):
        session.undo_change(1, "carla")
    assert all_of(session) == before


def test_an_undone_change_is_not_undone_again() -> None:
    folded = FoldedSession([])
    folded.changes[3] = pb.IndividualsChanged(undone=pb.ChangeUndone(position=2))
    with pytest.raises(NotFoundError, match="position 3"):
        fake_changes.undone(folded, pb.UndoChangeRequest(position=3))
