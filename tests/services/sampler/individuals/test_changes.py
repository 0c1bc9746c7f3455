from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from services.common.store.store import Store
from services.sampler.individuals.changes import IndividualChanges
from services.sampler.individuals.requests import Wish
from services.sampler.session.state import SessionState
from spotted.errors import (
    AlreadyExistsError,
    InvalidInputError,
    NotFoundError,
    PreconditionError,
    SpottedError,
)
from spotted.v1 import individuals_pb2 as pb
from tests.services.sampler.individuals.session import OpenSession, numbered
from tests.services.sampler.surveys import Sampler, ToyScorer, planted


def seen(session: OpenSession) -> tuple[object, ...]:
    """All that a person sees of the individuals and labels, but for positions."""

    def look(state: SessionState) -> tuple[object, ...]:
        individuals = state.named_individuals.messages()
        for one in individuals:
            one.ClearField("position")
        conflicts = [conflict.SerializeToString(deterministic=True) for conflict in state.conflicts()]
        counts = (
            dict(state.counts.answers),
            state.constraints.component_count,
            state.constraints.pending_count,
        )
        separations = state.constraints.separations().shape
        listed = [str(one) for one in individuals]
        return listed, conflicts, counts, separations, list(state.labels)

    return session.view(look)


def test_an_individual_keeps_its_id_while_detections_come_and_go(session: OpenSession) -> None:
    session.join("d05", "d07")
    assert session.id_of("d07") == "ind-d05"
    session.join("d05", "d02")
    assert session.id_of("d05") == session.id_of("d02") == "ind-d05"
    session.split("ind-d05", "d07")
    assert session.id_of("d05") == session.id_of("d02") == "ind-d05"
    assert session.id_of("d07") == "ind-d07"


def test_joined_individuals_have_the_id_of_the_first_and_part_with_their_own(session: OpenSession) -> None:
    session.join("d05", "d07")
    session.join("d02", "d03")
    merged = session.merge("ind-d02", "ind-d05")
    assert [one.individual_id for one in merged.individuals] == ["ind-d02"]
    assert [alias.individual_id for alias in session.get("ind-d02").aliases] == ["ind-d05"]
    assert session.get("ind-d05") == session.get("ind-d02")
    split = session.split("ind-d02", "d05", "d07")
    assert [one.individual_id for one in split.individuals] == ["ind-d02", "ind-d05"]


def test_labels_join_by_seniority_and_names_come_first(session: OpenSession) -> None:
    session.join("d05", "d07")
    session.join("d02", "d03")
    session.join("d07", "d02")
    assert session.id_of("d03") == "ind-d05"
    session.update("ind-d08", display_name="Sita")
    session.join("d08", "d03")
    one = session.get("ind-d05")
    assert (one.individual_id, one.display_name) == ("ind-d08", "Sita")
    assert [alias.individual_id for alias in one.aliases] == ["ind-d05", "ind-d02"]


def test_the_names_of_merged_individuals_stay_visible(session: OpenSession) -> None:
    session.update("ind-d03", display_name="Sita", sex=pb.SEX_FEMALE, notes="torn ear", tags=["ear", "left"])
    session.update("ind-d05", display_name="Gita")
    session.merge("ind-d05", "ind-d03")
    one = session.get("ind-d03")
    assert (one.display_name, one.sex, one.notes) == ("Gita", pb.SEX_UNSPECIFIED, "")
    assert [(alias.individual_id, alias.display_name) for alias in one.aliases] == [("ind-d03", "Sita")]
    session.split("ind-d05", "d03")
    assert (session.get("ind-d03").display_name, session.get("ind-d03").notes) == ("Sita", "torn ear")


def test_a_merge_supersedes_the_labels_against_it_and_shows_them(session: OpenSession) -> None:
    session.join("d02", "d03")
    session.join("d04", "d05")
    session.part("d02", "d04")
    session.part("d03", "d07")
    result = session.merge("ind-d02", "ind-d04")
    assert numbered(2, 3, 4, 5) in session.partition()
    against = {
        (one.first_detection_id, one.second_detection_id, one.same) for one in result.superseded_labels
    }
    assert against == {("d02", "d04", False)}
    assert result.superseded_count == 2
    assert session.view(lambda state: state.conflicts()) == []
    undone = session.undo(result.position)
    assert undone.superseded_count == 2
    assert {numbered(2, 3), numbered(4, 5)} <= session.partition()


def test_a_split_supersedes_what_joined_and_keeps_each_part_together(session: OpenSession) -> None:
    # d02 and d04 are one individual only by d03 between them
    session.join("d02", "d03", "d04")
    result = session.split(session.id_of("d03"), "d03")
    assert {numbered(2, 4), numbered(3)} <= session.partition()
    assert result.superseded_count == 4
    assert all(one.same for one in result.superseded_labels)
    session.label("d02", "d03", "SAME", "dora")
    assert {numbered(2, 4), numbered(3)} <= session.partition()
    (conflict,) = session.view(lambda state: state.conflicts())
    assert conflict.label.annotator_id == "dora"
    assert [label.annotator_id for label in conflict.explanation] == ["carla"]


def test_a_move_takes_detections_from_several_individuals(session: OpenSession) -> None:
    session.join("d02", "d03", "d04")
    session.join("d05", "d06")
    session.join("d08", "d09")
    result = session.move(["d04", "d06", "d10"], "ind-d08")
    assert {numbered(2, 3), numbered(5), numbered(4, 6, 8, 9, 10)} <= session.partition()
    assert [one.individual_id for one in result.individuals] == ["ind-d02", "ind-d05", "ind-d08"]
    session.undo(result.position)
    assert {numbered(2, 3, 4), numbered(5, 6), numbered(8, 9), numbered(10)} <= session.partition()


def test_a_name_stays_with_the_rest_if_its_founding_detection_was_a_mistake(session: OpenSession) -> None:
    session.join("d02", "d03", "d04")
    session.update("ind-d02", display_name="Sita")
    session.update("ind-d08", display_name="Gita")
    moved = session.move(["d02"], "ind-d08")
    assert session.get("ind-d02").display_name == "Sita"
    assert list(session.get("ind-d02").detection_ids) == ["d03", "d04"]
    assert list(session.get("ind-d08").detection_ids) == ["d02", "d08"]
    assert [one.individual_id for one in session.get("ind-d08").aliases] == []
    split = session.split("ind-d08", "d02")
    assert session.id_of("d02") == "ind2-d02"
    assert session.get("ind2-d02").display_name == ""
    session.update("ind2-d02", display_name="Rita")
    assert session.listed(display_name="rita")[0].individual_id == "ind2-d02"
    # back to the individual that it was taken from by mistake
    session.move(["d02"], "ind-d02")
    assert session.get("ind2-d02").individual_id == "ind-d02"
    session.undo(session.position)
    session.undo(session.position - 2)
    session.undo(split.position)
    session.undo(moved.position)
    assert list(session.get("ind-d02").detection_ids) == ["d02", "d03", "d04"]
    with pytest.raises(NotFoundError):
        session.get("ind2-d02")


def test_answers_to_come_do_not_outweigh_a_decision(session: OpenSession) -> None:
    session.merge("ind-d02", "ind-d03")
    for annotator in ("anna", "ben", "dora", "emil"):
        session.label("d02", "d03", "DIFFERENT", annotator)
    assert numbered(2, 3) in session.partition()
    assert session.view(lambda state: len(state.conflicts())) >= 1
    assert session.view(lambda state: sum(map(len, state.counts.times_of.values()))) == 4


def test_two_animals_of_one_image_are_never_one(session: OpenSession) -> None:
    session.join("d00", "d04")
    before = session.position
    with pytest.raises(PreconditionError, match=r"one image shows both 'd00' and 'd01'"):
        session.merge("ind-d00", "ind-d01")
    with pytest.raises(PreconditionError, match="one image"):
        session.move(["d01"], session.id_of("d04"))
    assert session.position == before


def test_a_stale_view_of_an_individual_is_refused(session: OpenSession) -> None:
    before = session.position
    session.join("d03", "d04")
    with pytest.raises(PreconditionError, match=r"'ind-d03' changed at position"):
        session.merge("ind-d02", "ind-d03", as_of=before)
    session.merge("ind-d02", "ind-d03", as_of=session.position)
    # what others did to other individuals does not matter
    session.merge("ind-d06", "ind-d07", as_of=before)


def test_a_replica_that_never_saw_the_session_carries_out_a_change(
    session: OpenSession, store: Store
) -> None:
    session.join("d02", "d03")
    replica = Sampler(store, ToyScorer(planted(animals=4, each=3)))
    wish = Wish((session.survey_id, "main"), "dora", "", individual_id="ind-d02", others=["ind-d05"])
    result = IndividualChanges(replica.sessions).merge(wish)
    assert numbered(2, 3, 5) in session.partition()
    assert result.position == session.position


def test_a_repeated_request_changes_nothing_and_gets_the_first_answer(session: OpenSession) -> None:
    first = session.merge("ind-d02", "ind-d03", request_id="one")
    assert session.merge("ind-d02", "ind-d03", request_id="one") == first
    assert session.position == first.position


def test_wrong_changes_are_refused_with_a_remedy(session: OpenSession) -> None:
    session.join("d02", "d03")
    session.update("ind-d05", display_name="Sita")
    refused: list[tuple[type[SpottedError], str, Callable[[], object]]] = [
        (NotFoundError, "no individual 'ind-x'", lambda: session.merge("ind-x", "ind-d02")),
        (NotFoundError, "no individual 'd02'", lambda: session.get("d02")),
        (InvalidInputError, "'ind-d02' is named twice", lambda: session.merge("ind-d02", "ind-d03")),
        (InvalidInputError, "all detections", lambda: session.split("ind-d02", "d02", "d03")),
        (InvalidInputError, "'d04' does not belong", lambda: session.split("ind-d02", "d04")),
        (NotFoundError, "no detection 'x'", lambda: session.split("ind-d02", "x")),
        (InvalidInputError, "'d03' belongs to individual", lambda: session.move(["d03"], "ind-d02")),
        (
            AlreadyExistsError,
            "'ind-d05' is named 'Sita'",
            lambda: session.update("ind-d02", display_name="sita"),
        ),
        (NotFoundError, "no change of individuals at position 2", lambda: session.undo(2)),
        (NotFoundError, "position 99", lambda: session.undo(99)),
    ]
    before = session.position
    for kind, words, call in refused:
        with pytest.raises(kind, match=words):
            call()
    assert session.position == before
    change = session.merge("ind-d02", "ind-d06")
    session.undo(change.position)
    with pytest.raises(NotFoundError, match="it was undone"):
        session.undo(change.position)


def test_what_a_change_states_is_taken_back_only_by_undoing_it(session: OpenSession) -> None:
    change = session.merge("ind-d02", "ind-d03")
    with pytest.raises(PreconditionError, match=f"undo change {change.position}"):
        session.retract(f"{change.position}-1")


def test_a_superseded_label_can_be_retracted_and_does_not_come_back(session: OpenSession) -> None:
    against = session.label("d02", "d03", "DIFFERENT")
    change = session.merge("ind-d02", "ind-d03")
    assert [one.label_id for one in change.superseded_labels] == [against]
    session.retract(against)
    assert session.undo(change.position).superseded_count == 0
    assert session.view(lambda state: list(state.labels)) == []


def test_changes_are_undone_in_any_order_that_keeps_later_ones_true(session: OpenSession) -> None:
    session.join("d02", "d03")
    first = session.split("ind-d02", "d03")
    second = session.merge("ind-d02", "ind-d03")
    third = session.merge("ind-d02", "ind-d05")
    session.undo(first.position)
    assert numbered(2, 3, 5) in session.partition()
    session.undo(second.position)
    assert numbered(2, 3, 5) in session.partition()
    session.undo(third.position)
    assert numbered(2, 3) in session.partition()


def test_a_change_that_a_later_one_depends_on_is_undone_after_it(session: OpenSession) -> None:
    session.update("ind-d03", notes="torn ear")
    session.join("d02", "d03", "d04")
    session.split("ind-d03", "d04")
    merged = session.merge("ind-d03", "ind-d04")
    # keeps d02 and d04 together, which the first split had parted
    later = session.split("ind-d03", "d03")
    with pytest.raises(PreconditionError, match=f"change {later.position} would not hold"):
        session.undo(merged.position)
    session.undo(later.position)
    session.undo(merged.position)
    assert {numbered(2, 3), numbered(4)} <= session.partition()


@pytest.mark.parametrize("seed", range(4))
def test_every_operation_undone_restores_the_state_before_it(session: OpenSession, seed: int) -> None:
    rng = np.random.default_rng(seed)
    kept = 0
    for number in range(50):
        before = seen(session)
        operation = random_operation(session, rng, number)
        try:
            position = operation()
        except PreconditionError:
            assert seen(session) == before
            continue
        after = seen(session)
        if isinstance(position, str):
            session.retract(position)
        else:
            session.undo(position)
        assert seen(session) == before
        if rng.random() < 0.7:
            kept += 1
            operation()
            assert seen(session)[0] == after[0]
    assert kept > 20
    assert_replayed(session)


def random_operation(session: OpenSession, rng: np.random.Generator, number: int) -> Callable[[], int | str]:
    """An operation; returns the position of its change, or the id of its label."""
    individuals = session.listed()
    if len(individuals) < 3:
        # at least the two animals of one image
        return lambda: session.split(individuals[0].individual_id, individuals[0].detection_ids[-1]).position
    first, second = (individuals[int(n)] for n in rng.choice(len(individuals), 2, replace=False))
    pair = [str(i) for i in rng.choice([f"d{n:02}" for n in range(12)], 2, replace=False)]
    kind = rng.integers(5)
    if kind == 0:
        return lambda: session.merge(first.individual_id, second.individual_id).position
    if kind == 1 and len(first.detection_ids) > 1:
        leaving = list(first.detection_ids)[: int(rng.integers(1, len(first.detection_ids)))]
        return lambda: session.split(first.individual_id, *leaving).position
    if kind == 2:
        moving = [str(rng.choice(list(second.detection_ids)))]
        return lambda: session.move(moving, first.individual_id).position
    if kind == 3:
        return lambda: session.update(first.individual_id, display_name=f"name {number}").position
    said = str(rng.choice(["SAME", "DIFFERENT", "NOT_COMPARABLE"]))
    return lambda: session.label(pair[0], pair[1], said, str(rng.choice(["anna", "ben"])))


def assert_replayed(session: OpenSession) -> None:
    """The journal, replayed from the start, gives the state that grew with it."""
    replayed = SessionState()
    for event in session.sampler.sessions.events(session.survey_id, "main"):
        event.ClearField("position")
        replayed.apply(event.SerializeToString())
    assert replayed.named_individuals.messages() == session.view(
        lambda state: state.named_individuals.messages()
    )
    assert list(replayed.labels) == session.view(lambda state: list(state.labels))


def test_ids_of_untouched_individuals_never_change(session: OpenSession) -> None:
    rng = np.random.default_rng(8)
    for number in itertools.count():
        before = {tuple(one.detection_ids): one for one in session.listed()}
        try:
            random_operation(session, rng, number)()
        except PreconditionError:
            continue
        for one in session.listed():
            earlier = before.get(tuple(one.detection_ids))
            if (
                earlier is not None
                and len(one.detection_ids) > 1
                and one.display_name == earlier.display_name
            ):
                assert one.individual_id == earlier.individual_id
        if number > 60:
            break
