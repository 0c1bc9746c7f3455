from __future__ import annotations

import pytest

from services.common.store import Store
from spotted.errors import AlreadyExistsError, InvalidInputError, NotFoundError, PreconditionError
from spotted.v1 import sampler_pb2 as pb
from tests.services.sampler.surveys import Sampler, ToyScorer, planted


def sampler(store: Store, animals: dict[str, str] | None = None) -> Sampler:
    return Sampler(store, ToyScorer(planted() if animals is None else animals))


def test_a_session_writes_its_defaults_out(store: Store, survey_id: str) -> None:
    made = sampler(store)
    session = made.sessions.create(pb.Session(session_id="main", survey_id=survey_id, seed=3), "")
    assert (session.strategy.strategy_id, session.strategy.retrain, session.seed) == ("confspal", False, 3)
    assert session.position == 1
    assert session.HasField("create_time")


def test_creating_again_is_the_same_session_and_other_content_is_refused(
    store: Store, survey_id: str
) -> None:
    made = sampler(store)
    first = made.create(survey_id)
    assert made.create(survey_id) == first
    with pytest.raises(AlreadyExistsError, match="another strategy or seed"):
        made.create(survey_id, "random")


def test_a_survey_without_detections_has_nothing_to_ask(store: Store, survey_id: str) -> None:
    with pytest.raises(PreconditionError, match="no detection yet"):
        sampler(store, {}).create(survey_id)


def test_an_unknown_survey_or_strategy_is_refused_and_leaves_no_session(store: Store, survey_id: str) -> None:
    made = sampler(store)
    with pytest.raises(NotFoundError):
        made.create("nosuch")
    with pytest.raises(InvalidInputError, match="greedy-visual"):
        made.create(survey_id, "guess")
    assert made.sessions.list_ids(survey_id) == []


def test_a_label_of_an_unknown_pair_stores_nothing_of_its_call(store: Store, survey_id: str) -> None:
    made = sampler(store)
    made.create(survey_id)
    (pair,) = made.ask(survey_id)
    good = pb.Label(
        first_detection_id=pair[0], second_detection_id=pair[1], answer=pb.ANSWER_SAME, annotator_id="a"
    )
    bad = pb.Label(
        first_detection_id=pair[0], second_detection_id="dx", answer=pb.ANSWER_SAME, annotator_id="a"
    )
    with pytest.raises(NotFoundError, match="'dx'"):
        made.sessions.submit(survey_id, "main", [good, bad], "")
    assert not any(event.HasField("labelled") for event in made.sessions.events(survey_id, "main"))


def test_a_repeated_request_stores_once_and_answers_the_same(store: Store, survey_id: str) -> None:
    made = sampler(store)
    made.create(survey_id)
    (pair,) = made.ask(survey_id)
    first = made.answer(survey_id, pair, pb.ANSWER_SAME, request_id="r")
    again = sampler(store).answer(survey_id, pair, pb.ANSWER_SAME, request_id="r")
    assert again == first
    assert sum(event.HasField("labelled") for event in made.sessions.events(survey_id, "main")) == 1


def test_outcomes_tell_merges_separations_and_what_was_implied(store: Store, survey_id: str) -> None:
    made = sampler(store, {"d1": "a", "d2": "a", "d3": "b"})
    made.create(survey_id)
    made.ask(survey_id)
    merged = made.answer(survey_id, ("d1", "d2"), pb.ANSWER_SAME)
    apart = made.answer(survey_id, ("d2", "d3"), pb.ANSWER_DIFFERENT)
    implied = made.answer(survey_id, ("d1", "d3"), pb.ANSWER_DIFFERENT, "ben")
    conflict = made.answer(survey_id, ("d1", "d3"), pb.ANSWER_SAME, "cleo")
    effects = [outcome.effect for outcome in (merged, apart, implied, conflict)]
    assert effects == [
        pb.LABEL_EFFECT_MERGED,
        pb.LABEL_EFFECT_SEPARATED,
        pb.LABEL_EFFECT_IMPLIED,
        pb.LABEL_EFFECT_CONFLICT,
    ]
    assert merged.implied_same_pairs == 1
    assert [label.annotator_id for label in conflict.conflict.explanation] == ["ben"]


def test_retracting_a_label_that_does_not_stand_is_refused(store: Store, survey_id: str) -> None:
    made = sampler(store)
    made.create(survey_id)
    with pytest.raises(NotFoundError, match="'9-1' does not stand"):
        made.sessions.retract(survey_id, "main", pb.LabelsRetracted(label_ids=["9-1"], annotator_id="a"), "")


def test_events_are_numbered_from_one(store: Store, survey_id: str) -> None:
    made = sampler(store)
    made.create(survey_id)
    made.ask(survey_id)
    events = made.sessions.events(survey_id, "main")
    assert [event.position for event in events] == [1, 2]
    assert [event.WhichOneof("event") for event in events] == ["created", "planned"]


def test_a_deleted_session_is_gone_and_the_repeat_of_its_deletion_succeeds(
    store: Store, survey_id: str
) -> None:
    made = sampler(store)
    made.create(survey_id)
    made.sessions.delete(survey_id, "main", "r")
    made.sessions.delete(survey_id, "main", "r")
    with pytest.raises(NotFoundError):
        made.sessions.get(survey_id, "main")
    with pytest.raises(NotFoundError):
        made.sessions.events(survey_id, "main")
    assert made.sessions.list_ids(survey_id) == []
    assert made.sessions.existing(survey_id, ["main"]) == []
    made.create(survey_id, "random")
    assert made.sessions.get(survey_id, "main").strategy.strategy_id == "random"
