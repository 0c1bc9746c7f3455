from __future__ import annotations

import pytest

from services.common.session import round_messages
from services.common.store.store import Store
from services.sampler.questions.planner import Planner
from spotted.errors import NotFoundError
from spotted.v1 import sampler_pb2 as pb
from spotted.v1.scorer_pb2 import CandidateFilter
from tests.services.sampler.surveys import Sampler, ToyScorer, planted

Pair = tuple[int, int]


def planner(
    store: Store, survey_id: str, scorer: ToyScorer, top_k: int = 3, strategy: str = "greedy"
) -> Planner:
    """The planner of a session that was opened and asked nothing yet."""
    sampler = Sampler(store, scorer)
    sampler.create(survey_id, strategy, seed=5, top_k=top_k)
    return sampler.planner


def plan(made: Planner, survey_id: str, excluding: frozenset[Pair] = frozenset()) -> pb.PlannedRound:
    planned = made.plan(survey_id, "main", excluding)
    assert planned is not None
    return planned


def asked(planned: pb.PlannedRound) -> list[Pair]:
    return round_messages.read_pairs(planned.first, planned.second)


def test_the_first_round_brings_all_detections_and_orders_each_pair_by_id(
    store: Store, survey_id: str
) -> None:
    animals = planted()
    planned = plan(planner(store, survey_id, ToyScorer(animals)), survey_id)
    assert (planned.round, planned.top_k, planned.survey_revision) == (1, 3, len(animals))
    assert list(planned.added_detection_ids) == list(animals)
    assert all(first < second for first, second in asked(planned))
    assert planned.open_pairs == len(asked(planned))


def test_the_order_in_which_detections_arrived_decides_no_question(store: Store, survey_id: str) -> None:
    animals = planted()
    forwards = plan(planner(store, survey_id, ToyScorer(animals)), survey_id)
    other = f"{survey_id}-b"
    backwards = plan(planner(store, other, ToyScorer(dict(reversed(animals.items())))), other)
    assert forwards == backwards


def test_a_recreated_survey_is_read_again_though_it_changed_as_often(store: Store, survey_id: str) -> None:
    scorer = ToyScorer(planted())
    made = planner(store, survey_id, scorer)
    first = plan(made, survey_id)
    assert plan(made, survey_id) == first
    assert scorer.reads == 1
    scorer.uid = "second"
    scorer.animals = {f"new-{i}": animal for i, animal in scorer.animals.items()}
    again = plan(made, survey_id)
    assert scorer.reads == 2
    assert list(again.added_detection_ids) == list(scorer.animals)
    assert (first.survey_uid, again.survey_uid) == ("first", "second")
    assert first.survey_revision == again.survey_revision


def test_planning_alters_neither_the_session_nor_the_next_plan(store: Store, survey_id: str) -> None:
    sampler = Sampler(store, ToyScorer(planted()))
    sampler.create(survey_id)
    first = plan(sampler.planner, survey_id)
    assert sampler.sessions.get(survey_id, "main").position == 1
    assert sampler.sessions.folded(survey_id, "main").view(lambda state, _: state.constraints.items) == 0
    assert plan(sampler.planner, survey_id) == first


def test_a_planner_that_restarts_plans_the_same(store: Store, survey_id: str) -> None:
    scorer = ToyScorer(planted())
    sampler = Sampler(store, scorer)
    sampler.create(survey_id, "learned", seed=3)
    for pair in sampler.ask(survey_id, count=6):
        sampler.answer_truly(survey_id, pair, scorer.animals)
    assert plan(sampler.planner, survey_id) == plan(Sampler(store, scorer).planner, survey_id)


def test_animals_of_one_image_are_distinguished_from_the_start(store: Store, survey_id: str) -> None:
    scorer = ToyScorer({"d1": "a", "d2": "b", "d3": "a"}, images={"d1": "i", "d2": "i"})
    planned = plan(planner(store, survey_id, scorer), survey_id)
    assert [(p.first_detection_id, p.second_detection_id) for p in planned.image_pairs] == [("d1", "d2")]
    assert sorted(asked(planned)) == [(0, 2), (1, 2)]


def test_candidates_are_widened_until_there_is_a_question(store: Store, survey_id: str) -> None:
    scorer = ToyScorer({"d1": "a", "d2": "a", "d3": "a", "d4": "a"})
    made = planner(store, survey_id, scorer, top_k=1)
    narrow = plan(made, survey_id)
    wider = plan(made, survey_id, frozenset(asked(narrow)))
    assert narrow.top_k == 1
    assert wider.top_k == 2
    assert asked(wider)
    assert not set(asked(wider)) & set(asked(narrow))


def test_a_session_goes_on_with_the_candidates_it_was_widened_to(store: Store, survey_id: str) -> None:
    animals = {f"d{n}": "a" if n < 2 else f"b{n}" for n in range(8)}
    sampler = Sampler(store, ToyScorer(animals))
    sampler.create(survey_id, top_k=1)
    sampler.finish(survey_id, animals)
    widths = [e.planned.top_k for e in sampler.sessions.events(survey_id, "main") if e.HasField("planned")]
    assert widths == sorted(widths)
    # the first of them that holds every pair
    assert widths[-1] == 7


def test_nothing_open_and_nothing_new_is_no_plan(store: Store, survey_id: str) -> None:
    scorer = ToyScorer({"d1": "a", "d2": "a"})
    sampler = Sampler(store, scorer)
    sampler.create(survey_id)
    (pair,) = sampler.ask(survey_id)
    assert sampler.planner.plan(survey_id, "main", frozenset({(0, 1)})) is None
    sampler.answer(survey_id, pair, pb.ANSWER_SAME)
    assert sampler.planner.plan(survey_id, "main", frozenset()) is None


def test_what_is_new_is_planned_even_if_it_brings_no_question(store: Store, survey_id: str) -> None:
    scorer = ToyScorer({"d1": "a", "d2": "b"}, images={"d1": "i", "d2": "i"})
    planned = plan(planner(store, survey_id, scorer), survey_id)
    assert list(planned.added_detection_ids) == ["d1", "d2"]
    assert asked(planned) == []


def test_scores_are_read_once_while_the_survey_stays_as_it_is(store: Store, survey_id: str) -> None:
    scorer = ToyScorer(planted())
    made = planner(store, survey_id, scorer)
    first = plan(made, survey_id)
    plan(made, survey_id, frozenset(asked(first)[:1]))
    assert scorer.reads == 1
    scorer.animals["d99"] = "animal-0"
    assert "d99" in plan(made, survey_id).added_detection_ids
    assert scorer.reads == 2


def test_a_session_that_was_deleted_and_recreated_is_planned_again(store: Store, survey_id: str) -> None:
    animals = planted()
    scorer = ToyScorer({i: animals[i] for i in list(animals)[10:]})
    sampler = Sampler(store, scorer)
    sampler.create(survey_id, "greedy", top_k=3)
    sampler.ask(survey_id)
    # these join the old session last, and the new one in the order of their ids
    scorer.animals = animals
    plan(sampler.planner, survey_id)
    sampler.sessions.delete(survey_id, "main", "")
    sampler.create(survey_id, "random", top_k=3)
    fresh = Sampler(store, scorer).planner
    assert plan(sampler.planner, survey_id) == plan(fresh, survey_id)
    assert plan(fresh, survey_id).kind == "random"


def test_bursts_come_with_the_detections_that_belong_to_them(store: Store, survey_id: str) -> None:
    # even ones stand at one camera, odd ones at another
    scorer = ToyScorer({f"d{n}": "ab"[n % 2] for n in range(4)}, times_s={"d0": 0.0, "d2": 5.0, "d3": 9e6})
    sampler = Sampler(store, scorer)
    sampler.create(survey_id, "learned")
    first = plan(sampler.planner, survey_id)
    sampler.ask(survey_id)
    scorer.animals |= {"d4": "c", "d5": "b", "d6": "c"}
    scorer.times_s |= {"d4": 5e6, "d5": 5e6, "d6": 5e6 + 9}
    later = plan(sampler.planner, survey_id)
    assert [list(burst.detection_ids) for burst in first.bursts] == [["d0", "d2"]]
    assert [list(burst.detection_ids) for burst in later.bursts] == [["d4", "d6"]]


def test_a_strategy_that_does_not_look_at_photographs_knows_no_bursts(store: Store, survey_id: str) -> None:
    scorer = ToyScorer({f"d{n}": "a" for n in range(4)}, times_s=dict.fromkeys(("d0", "d2"), 0.0))
    assert not plan(planner(store, survey_id, scorer), survey_id).bursts


def test_a_session_or_survey_that_is_not_there_is_not_found(store: Store, survey_id: str) -> None:
    made = Sampler(store, ToyScorer(planted())).planner
    with pytest.raises(NotFoundError, match="create the session first"):
        made.plan(survey_id, "nosuch", frozenset())


def test_candidates_are_sought_among_the_detections_that_a_session_asks_about(
    store: Store, survey_id: str
) -> None:
    scorer = ToyScorer(planted())
    sampler = Sampler(store, scorer)
    # every other detection is of this camera; unfiltered lists of two would hold the others as well
    sampler.create(survey_id, "greedy", top_k=2, filter=CandidateFilter(camera_ids=["d"]))
    planned = plan(sampler.planner, survey_id)
    assert planned.top_k == 2
    found = {i for pair in asked(planned) for i in pair}
    ids = list(planned.added_detection_ids)
    assert len(ids) == len(scorer.animals)
    assert found == {n for n in range(len(ids)) if n % 2}
    # one without a filter is planned from lists of its own
    other = f"{survey_id}-all"
    sampler.create(other, "greedy", top_k=2)
    everyone = {i for pair in asked(plan(sampler.planner, other)) for i in pair}
    assert everyone == set(range(len(ids)))
    assert scorer.reads == 2
