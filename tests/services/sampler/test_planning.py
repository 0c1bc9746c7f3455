from __future__ import annotations

from services.sampler.planning import Planner, basis
from services.sampler.state import SessionState
from spotted.v1 import sampler_pb2 as pb
from tests.services.sampler.surveys import ToyScorer, planted


def state(survey_id: str = "survey-1", top_k: int = 3, strategy: str = "greedy") -> SessionState:
    made = SessionState()
    settings = pb.StrategySettings(strategy_id=strategy, top_k=top_k)
    created = pb.Session(session_id="s", survey_id=survey_id, strategy=settings, seed=5)
    made.apply(pb.SessionEvent(created=created).SerializeToString())
    return made


def test_the_first_round_brings_all_detections_and_orders_each_pair_by_id() -> None:
    animals = planted()
    planned = Planner(ToyScorer(animals)).plan(basis(state(), frozenset()))
    assert planned is not None
    assert (planned.round, planned.top_k, planned.survey_revision) == (1, 3, len(animals))
    assert list(planned.added_detection_ids) == list(animals)
    assert all(pair.first_detection_id < pair.second_detection_id for pair in planned.pairs)


def test_the_order_in_which_detections_arrived_decides_no_question() -> None:
    animals = planted()
    backwards = dict(reversed(animals.items()))
    first, second = (Planner(ToyScorer(a)).plan(basis(state(), frozenset())) for a in (animals, backwards))
    assert first == second


def test_planning_alters_neither_state_nor_the_next_plan() -> None:
    made, planner = state(), Planner(ToyScorer(planted()))
    first = planner.plan(basis(made, frozenset()))
    assert made.position == 1
    assert planner.plan(basis(made, frozenset())) == first


def test_animals_of_one_image_are_told_apart_from_the_start() -> None:
    scorer = ToyScorer({"d1": "a", "d2": "b", "d3": "a"}, images={"d1": "i", "d2": "i"})
    planned = Planner(scorer).plan(basis(state(), frozenset()))
    assert planned is not None
    assert [(p.first_detection_id, p.second_detection_id) for p in planned.image_pairs] == [("d1", "d2")]
    assert ("d1", "d2") not in {(p.first_detection_id, p.second_detection_id) for p in planned.pairs}


def test_candidates_are_widened_until_there_is_a_question() -> None:
    scorer = ToyScorer({"d1": "a", "d2": "a", "d3": "a", "d4": "a"})
    made = state(top_k=1)
    every = frozenset((i, j) for i in range(4) for j in range(i + 1, 4))
    best = Planner(scorer).plan(basis(made, frozenset()))
    assert best is not None
    asked = {(p.first_detection_id, p.second_detection_id) for p in best.pairs}
    only = frozenset(pair for pair in every if (f"d{pair[0] + 1}", f"d{pair[1] + 1}") in asked)
    planned = Planner(scorer).plan(basis(made, only))
    assert planned is not None
    assert planned.pairs
    assert planned.top_k > 1


def test_nothing_open_and_nothing_new_is_no_plan() -> None:
    scorer = ToyScorer({"d1": "a", "d2": "a"})
    made = state()
    first = Planner(scorer).plan(basis(made, frozenset()))
    assert first is not None
    made.apply(pb.SessionEvent(planned=first).SerializeToString())
    assert Planner(scorer).plan(basis(made, frozenset({(0, 1)}))) is None


def test_scores_are_read_once_while_the_survey_stays_as_it_is() -> None:
    scorer = ToyScorer(planted())
    planner, session = Planner(scorer), state().session
    first = planner.scores(session, 3)
    assert planner.scores(session, 3) is first
    assert scorer.reads == 1
    scorer.animals["d99"] = "animal-0"
    assert planner.scores(session, 3).revision == first.revision + 1
    assert planner.kept(session, ["d99"], 3).revision == first.revision + 1
    assert scorer.reads == 2
