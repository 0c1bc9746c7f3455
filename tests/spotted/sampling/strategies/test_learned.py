from __future__ import annotations

import dataclasses
import itertools
import re

import numpy as np
import pytest

from spotted.arrays import Float32Array, Float64Array, IntArray
from spotted.calibration.labels import describe_shortage
from spotted.constraints.answers import Answer, LabelledPair
from spotted.constraints.assumptions import Assumptions, assume
from spotted.constraints.closure import Closure
from spotted.constraints.interface import Constraints
from spotted.errors import InvalidInputError, PreconditionError
from spotted.sampling.candidate_graph import CandidateGraph, from_candidates, open_rows
from spotted.sampling.rounds import PairQuery, PlanState, Round, RoundQueue, Strategy
from spotted.sampling.strategies.learned import ACROSS, WITHIN, Learned, _examples, _weights
from spotted.sampling.strategies.learned_terms import Term
from spotted.sampling.strategies.ranked import Greedy
from spotted.simulation.session import answer_truly, ask, simulate_session
from spotted.simulation.survey import SimulationParams
from spotted.simulation.survey import simulate_survey as simulated
from spotted.survey import detection_table

DIMENSIONS = 32
RNG = np.random.default_rng


@dataclasses.dataclass(frozen=True)
class Planted:
    """A small survey whose animals roam home ranges and look different on each flank."""

    graph: CandidateGraph
    truth: IntArray


@pytest.fixture(scope="module")
def survey() -> Planted:
    return planted(0)


def planted(seed: int) -> Planted:
    """About 240 detections of 30 animals: all pairs, and their visual score times their nearness."""
    rng = RNG(seed)
    size = SimulationParams(animals=30, cameras=25, detections=240, tail=0.3, most_frames=2)
    made = simulated(size, rng, survey_id="planted")
    table = detection_table([shot.detection for shot in made.shots], made.survey.cameras)
    truth = np.array([shot.animal for shot in made.shots])
    encounters = sorted({shot.detection.encounter_id for shot in made.shots})
    encounter = np.array([encounters.index(shot.detection.encounter_id) for shot in made.shots])
    station = np.unique(table.position_m, axis=0, return_inverse=True)[1].reshape(-1)
    parts = ((truth, 0.6), (truth * 3 + table.side, 0.5), (station, 1.0), (encounter, 1.0))
    looks = sum(weight * rng.normal(size=(int(part.max()) + 1, DIMENSIONS))[part] for part, weight in parts)
    embeddings = unit(looks + rng.normal(size=(len(truth), DIMENSIONS)))
    first, second = np.triu_indices(len(truth), 1)
    visual = np.maximum(0.0, (embeddings[first] * embeddings[second]).sum(axis=1))
    square = ((table.position_m[first] - table.position_m[second]) ** 2).sum(axis=1)
    feasibility = np.exp(-np.sqrt(square) / 10_000.0)
    scores = {"visual": visual, "feasibility": feasibility, "fused": visual * feasibility}
    graph = from_candidates(len(truth), first, second, **scores, embeddings=embeddings, table=table)
    return Planted(graph, truth)


def unit(rows: Float64Array) -> Float32Array:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def label(pair: tuple[int, int], answer: Answer) -> LabelledPair:
    return LabelledPair(f"{pair[0]}-{pair[1]}", *pair, answer)


def planned(survey: Planted, constraints: Constraints, known: tuple[PairQuery, ...] = ()) -> Round:
    return Learned().plan(PlanState(survey.graph, constraints, 1, known=known), RNG(0))


def session(survey: Planted, count: int) -> tuple[RoundQueue, list[PairQuery]]:
    """The first questions of a session, and the queue after their answers."""
    queue = RoundQueue(Closure(survey.graph.n))
    asked = []
    for query in itertools.islice(ask(queue, Learned(), survey.graph, seed=0), count):
        answer_truly(queue.constraints, query, survey.truth)
        queue.count_answers()
        asked.append(query)
    return queue, asked


def asked_about(planned: Round) -> list[tuple[int, int]]:
    return [(query.first, query.second) for query in planned.pairs]


def chance(terms: Float64Array, start: dict[Term, tuple[float, float]]) -> float:
    log_odds = sum(weight * terms[term] for term, (weight, _) in start.items())
    return float(1.0 / (1.0 + np.exp(-log_odds)))


@pytest.mark.parametrize("seed", [0, 1])
def test_it_needs_fewer_questions_than_the_highest_score_first(seed: int) -> None:
    survey = planted(seed)

    def questions(strategy: Strategy) -> int:
        curve = simulate_session(survey.graph, strategy, survey.truth, seed=0, target=0.95)
        return curve.questions_to(0.95) or 0

    assert 0 < questions(Learned()) < 0.9 * questions(Greedy())


def test_a_session_repeats_itself(survey: Planted) -> None:
    first, again = (session(survey, 150)[1] for _ in range(2))
    assert first == again
    assert len(first) == 150


def test_no_pair_is_asked_whose_answer_is_known(survey: Planted) -> None:
    constraints = Closure(survey.graph.n)
    for query in itertools.islice(ask(RoundQueue(constraints), Learned(), survey.graph, seed=0), 200):
        assert constraints.is_open(query.first, query.second)
        answer_truly(constraints, query, survey.truth)


def test_a_round_asks_once_about_two_components_and_not_what_is_closed_or_excluded(survey: Planted) -> None:
    queue, asked = session(survey, 60)
    constraints = queue.constraints
    closed, left_out, *_ = asked_about(planned(survey, constraints))
    constraints.apply(label(closed, Answer.NOT_COMPARABLE))
    state = PlanState(survey.graph, constraints, 1, excluding=frozenset({left_out}))
    pairs = asked_about(Learned().plan(state, RNG(0)))
    assert not {closed, left_out, *((query.first, query.second) for query in asked)} & set(pairs)
    about = [frozenset(constraints.component_of(item) for item in pair) for pair in pairs]
    assert len(set(about)) == len(about)
    assert all(constraints.is_open(*pair) for pair in pairs)


def test_beside_a_round_are_the_likeliest_pairs_about_each_component_that_is_asked_about(
    survey: Planted,
) -> None:
    constraints = session(survey, 60)[0].constraints
    state = PlanState(survey.graph, constraints, 1)
    every = Learned(ahead=10**6).plan(state, RNG(0)).pairs
    planned = Learned(renew_after=8, ahead=2, beside=12).plan(state, RNG(0))
    assert planned.pairs == every[:16]
    expected = []
    for item in itertools.chain.from_iterable(query[:2] for query in planned.pairs[:8]):
        members = constraints.members(constraints.component_of(item))
        about = [query for query in every if {*members} & {*query[:2]}]
        expected += about[:12]
    assert planned.beside == tuple(query for query in every[16:] if query in expected) != ()
    # however unlikely they are: whoever has no likely candidate is asked about several at once, too
    assert min(query.score for query in planned.beside) < 0.05


def test_without_answers_the_chances_are_those_of_the_starting_weights(survey: Planted) -> None:
    first = planned(survey, Closure(survey.graph.n))
    for query in first.pairs:
        # without names their column is left out
        terms = np.array([*query.terms, 0.0])
        assert len(terms) == len(Term)
        burst = terms[Term.BURST] > 0
        assert query.score == pytest.approx(chance(terms, WITHIN if burst else ACROSS))
    scores = [query.score for query in first.pairs]
    assert scores == sorted(scores, reverse=True)
    assert {bool(query.terms[Term.BURST] > 0) for query in first.pairs} == {True, False}


@pytest.mark.parametrize("start", [ACROSS, WITHIN])
def test_weights_start_where_they_are_held_and_move_with_the_answers(
    start: dict[Term, tuple[float, float]],
) -> None:
    begin = np.array([weight for weight, _ in start.values()])
    none = np.zeros((0, len(start)))
    assert _weights(start, none, np.zeros(0, dtype=np.bool_)) == pytest.approx(begin)
    alike = list(start).index(Term.ALIKE)
    design = np.zeros((400, len(start)))
    design[::2, alike] = 1.0
    confirmed, denied = (_weights(start, design, design[:, alike] == value) for value in (1.0, 0.0))
    assert confirmed[alike] > begin[alike] + 1.0
    assert denied[alike] < begin[alike] - 1.0
    silent = [column for column in range(len(start)) if column != alike]
    assert confirmed[silent] == pytest.approx(begin[silent])


def test_answers_change_what_is_asked(survey: Planted) -> None:
    queue, _ = session(survey, 120)
    assert queue.round is not None
    untaught = planned(survey, queue.constraints)
    taught = queue.plan_next(Learned(), survey.graph, seed=0)
    assert asked_about(untaught) != asked_about(taught)
    # a round that was planned without terms teaches nothing
    unseen = tuple(query._replace(terms=()) for query in queue.round.pairs)
    blank = RoundQueue(queue.constraints)
    blank.start(Round(1, "greedy", unseen))
    assert asked_about(blank.plan_next(Learned(), survey.graph, seed=0)) == asked_about(untaught)


def test_pairs_teach_once_their_answer_is_known_or_implied() -> None:
    constraints = Closure(6)
    for pair, answer in (((0, 1), Answer.SAME), ((1, 2), Answer.SAME), ((2, 3), Answer.DIFFERENT)):
        constraints.apply(label(pair, answer))
    constraints.apply(label((4, 5), Answer.NOT_COMPARABLE))
    asked = [(0, 1), (0, 2), (0, 3), (0, 4), (4, 5)]
    rows = np.arange(float(5 * len(Term))).reshape(5, len(Term))
    rows[1, Term.BURST] = 0.0
    known = [PairQuery(*pair, "", 0.5, tuple(row)) for pair, row in zip(asked, rows.tolist(), strict=True)]
    terms, individuals, in_burst = _examples(known, constraints)
    assert terms.tolist() == rows[:3].tolist()
    assert (individuals[:, 0] == individuals[:, 1]).tolist() == [True, True, False]
    assert in_burst.tolist() == [True, False, True]


def test_the_numbers_of_components_do_not_matter(survey: Planted) -> None:
    """The same answers in another order leave the same components under other numbers."""
    queue, asked = session(survey, 100)
    turned = Closure(survey.graph.n)
    for query in asked[::-1]:
        answer_truly(turned, query, survey.truth)
    assert turned.components() == queue.constraints.components()
    assert turned.component_ids().tolist() != queue.constraints.component_ids().tolist()
    ours, theirs = (planned(survey, made, tuple(asked)) for made in (queue.constraints, turned))
    assert asked_about(ours) == asked_about(theirs)
    assert [query.score for query in ours.pairs] == pytest.approx([query.score for query in theirs.pairs])


@pytest.mark.parametrize(("renew_after", "ahead", "answers"), [(25, 4, 25), (3, 2, 6), (6, 1, 6)])
def test_a_round_holds_a_multiple_of_the_answers_after_which_it_is_renewed(
    survey: Planted, renew_after: int, ahead: int, answers: int
) -> None:
    assert survey.graph.n // 40 == 6
    strategy = Learned(renew_after=renew_after, ahead=ahead)
    first = strategy.plan(PlanState(survey.graph, Closure(survey.graph.n), 1), RNG(0))
    assert (first.number, first.kind, first.renew_after) == (1, "learned", answers)
    assert len(first.pairs) == ahead * answers


def test_a_session_plans_again_after_enough_answers(survey: Planted) -> None:
    numbers = []
    queue = RoundQueue(Closure(survey.graph.n))
    for query in itertools.islice(ask(queue, Learned(), survey.graph, seed=0), 60):
        assert queue.round is not None
        numbers.append(queue.round.number)
        answer_truly(queue.constraints, query, survey.truth)
        queue.count_answers()
    assert numbers == [1] * 25 + [2] * 25 + [3] * 10


def test_a_score_is_a_chance_once_a_calibration_could_be_fitted_to_the_answers(survey: Planted) -> None:
    _, asked = session(survey, 160)
    for count, enough in ((0, False), (120, False), (160, True)):
        constraints = Closure(survey.graph.n)
        for query in asked[:count]:
            answer_truly(constraints, query, survey.truth)
        known = [query[:2] for query in asked if constraints.implied(*query[:2]) and not in_burst(query)]
        ends = constraints.component_ids()[np.array(known, dtype=np.int64).reshape(-1, 2)]
        assert (not describe_shortage(ends)) is enough
        pairs = planned(survey, constraints, tuple(asked)).pairs
        assert {query.calibrated for query in pairs if not in_burst(query)} == {enough}


def in_burst(query: PairQuery) -> bool:
    return query.terms[Term.BURST] > 0


def test_reasons_are_words_and_the_chance_if_answers_measured_it(survey: Planted) -> None:
    queue, _ = session(survey, 160)
    rounds = (planned(survey, Closure(survey.graph.n)), queue.plan_next(Learned(), survey.graph, seed=0))
    whys = set()
    for query in itertools.chain.from_iterable(one.pairs for one in rounds):
        found = re.fullmatch(r"([a-z ,]+?)(?:, (\d+)% likely one animal)?", query.reason)
        assert found is not None
        assert (found[2] is not None) == query.calibrated
        if query.calibrated:
            assert int(found[2]) == pytest.approx(100.0 * query.score, abs=0.5001)
        assert (found[1] == "frames of one burst") == (query.terms[Term.BURST] > 0)
        near = np.exp(query.terms[Term.RANGE]) >= 0.3
        assert near or "range" not in found[1]
        whys.add(found[1])
    assert {"frames of one burst", "alike, and seen in one range"} <= whys
    assert {query.calibrated for one in rounds for query in one.pairs} == {True, False}


def test_at_one_station_no_range_is_spoken_of(survey: Planted) -> None:
    assert survey.graph.table is not None
    here = dataclasses.replace(survey.graph.table, position_m=np.zeros((survey.graph.n, 2)))
    graph = dataclasses.replace(survey.graph, table=here)
    first = Learned().plan(PlanState(graph, Closure(graph.n), 1), RNG(0))
    assert not any("range" in query.reason for query in first.pairs)


def test_one_strategy_serves_graph_after_graph(survey: Planted) -> None:
    other = planted(1)
    strategy = Learned()
    for its in (survey, other, survey):
        state = PlanState(its.graph, Closure(its.graph.n), 1)
        assert strategy.plan(state, RNG(0)) == Learned().plan(state, RNG(1))
    assert strategy == Learned()


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_the_smallest_surveys_are_asked_to_their_end(survey: Planted, count: int) -> None:
    whole = survey.graph
    assert whole.table is not None
    assert whole.embeddings is not None
    kept = whole.second < count
    graph = CandidateGraph(
        count,
        whole.first[kept],
        whole.second[kept],
        whole.visual[kept],
        whole.feasibility[kept],
        whole.fused[kept],
        whole.embeddings[:count],
        whole.table.at(np.arange(count)),
    )
    constraints = Closure(count)
    for query in ask(RoundQueue(constraints), Learned(), graph, seed=0):
        answer_truly(constraints, query, survey.truth[:count])
    assert not open_rows(graph, constraints).any()


def test_a_graph_without_table_or_embeddings_is_refused(survey: Planted) -> None:
    whole = survey.graph
    for graph in (dataclasses.replace(whole, table=None), dataclasses.replace(whole, embeddings=None)):
        with pytest.raises(PreconditionError, match="choose `confspal`"):
            Learned().plan(PlanState(graph, Closure(graph.n), 1), RNG(0))


@pytest.mark.parametrize("parameters", [{"renew_after": 0}, {"ahead": 0}])
def test_a_round_without_room_is_refused(parameters: dict[str, int]) -> None:
    with pytest.raises(InvalidInputError, match="must be at least 1"):
        Learned(**parameters)


def test_a_session_learns_whether_unknown_photographs_show_known_animals(survey: Planted) -> None:
    constraints = Closure(survey.graph.n)
    assume(constraints, Assumptions(names={0: "Mvula"}))
    first = planned(survey, constraints)
    assert {len(query.terms) for query in first.pairs} == {len(Term)}
    beside = [query for query in first.pairs if 0 in (query.first, query.second)]
    assert beside
    assert all(query.terms[Term.NAMED] == (query in beside) for query in first.pairs)
    # a column that is left out counts as zeros
    known = [query._replace(terms=query.terms[: Term.NAMED]) for query in first.pairs]
    for number, query in enumerate(known[:20]):
        constraints.apply(LabelledPair(str(number), query.first, query.second, Answer.DIFFERENT))
    terms, _, _ = _examples(known, constraints)
    assert terms.shape[1] == len(Term)
    assert not terms[:, Term.NAMED].any()
