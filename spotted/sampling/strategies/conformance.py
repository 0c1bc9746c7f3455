"""The contract that every strategy keeps, as checks that a new strategy can be run against.

from spotted.sampling.strategies import check_strategy

check_strategy(MyStrategy)
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from spotted.arrays import IntArray
from spotted.constraints.answers import Answer, LabelledPair
from spotted.constraints.closure import Closure
from spotted.constraints.interface import Constraints
from spotted.constraints.verified import Verified
from spotted.sampling.candidate_graph import CandidateGraph, from_candidates
from spotted.sampling.rounds import Pair, PairQuery, PlanState, Round, RoundQueue, Strategy
from spotted.survey import DetectionTable

ITEMS, INDIVIDUALS, DIMENSIONS = 24, 7, 16
# one answer in this many is NOT_COMPARABLE, and one feasibility in this many is unknown
NOT_COMPARABLE_EVERY = UNKNOWN_EVERY = 7


def check_strategy(make: Callable[[], Strategy], *, seed: int = 0) -> None:
    """Check that a strategy keeps its contract, on a small survey of `ITEMS` items.

    A strategy is pure in the seed and the labels: same seed and same labels, same round, whatever it planned
    before. It asks open candidate pairs only, none that is implied, closed, pending or excluded. It
    changes neither graph nor constraints. A session comes to an end, with a round without pairs. (A pair
    that stands twice in a round is served once.)

    make: makes the strategy, such as its class. Raises AssertionError with the rule that is broken.

    >>> from spotted.sampling.strategies.ranked import Greedy
    >>> check_strategy(Greedy)
    """
    graph, truth = small_survey(seed)
    for constraints in (Closure(ITEMS), Verified(ITEMS)):
        first = _check_round(make, PlanState(graph, constraints, 1), seed)
        queries = _check_session(make(), graph, constraints, truth, seed, count=ITEMS // 2)
        excluding = frozenset(itertools.islice(_open_pairs(graph, constraints), ITEMS))
        state = PlanState(graph, constraints, 2, first, excluding, queries)
        _check_round(make, state, seed)
    _check_session(make(), graph, Closure(ITEMS), truth, seed, count=len(graph))
    sessions = [_check_session(make(), graph, Closure(ITEMS), truth, seed, count=ITEMS) for _ in range(2)]
    _require(sessions[0] == sessions[1], "a session with the same seed and answers asks other questions")


def small_survey(seed: int) -> tuple[CandidateGraph, IntArray]:
    """A graph of all pairs of `ITEMS` items with embeddings and a table, and the individual of each item."""
    rng = np.random.default_rng(seed)
    truth = np.arange(ITEMS) % INDIVIDUALS
    looks = rng.normal(size=(INDIVIDUALS, DIMENSIONS))[truth] + 0.7 * rng.normal(size=(ITEMS, DIMENSIONS))
    embeddings = (looks / np.linalg.norm(looks, axis=1, keepdims=True)).astype(np.float32)
    first, second = (side.astype(np.int64) for side in np.triu_indices(ITEMS, 1))
    visual = np.maximum(0.0, (embeddings[first] * embeddings[second]).sum(axis=1))
    feasibility = rng.uniform(0.2, 1.0, len(first))
    feasibility[::UNKNOWN_EVERY] = np.nan
    fused = np.where(np.isnan(feasibility), visual, visual * feasibility)
    table = DetectionTable(
        position_m=rng.normal(0, 5_000, (INDIVIDUALS, 2))[truth] + rng.normal(0, 500, (ITEMS, 2)),
        time_s=rng.uniform(0, 1e6, ITEMS),
        image=np.full(ITEMS, -1),
        side=rng.integers(1, 3, ITEMS),
        location_uncertainty_m=np.zeros(ITEMS),
        clock_suspect=np.zeros(ITEMS, dtype=np.bool_),
    )
    graph = from_candidates(
        ITEMS,
        first,
        second,
        visual=visual,
        feasibility=feasibility,
        fused=fused,
        embeddings=embeddings,
        table=table,
    )
    return graph, truth


def _check_round(make: Callable[[], Strategy], state: PlanState, seed: int) -> Round:
    """Plan a round three times, twice by one strategy, and check it."""
    strategy, before = make(), _content(state)
    planned, again, other = (
        one.plan(state, np.random.default_rng((seed, state.number))) for one in (strategy, strategy, make())
    )
    _require(_content(state) == before, "a plan changes the graph or the constraints")
    _require(planned == again == other, "a round is not a pure function of state and seed")
    _require(planned.number == state.number, f"round {planned.number} was planned as round {state.number}")
    pairs = [(query.first, query.second) for query in (*planned.pairs, *planned.beside)]
    candidates = set(zip(state.graph.first.tolist(), state.graph.second.tolist(), strict=True))
    _require(candidates.issuperset(pairs), "a round asks a pair that is not in the graph, lower item first")
    _require(state.excluding.isdisjoint(pairs), "a round asks an excluded pair")
    for pair in pairs:
        _require(state.constraints.is_open(*pair), f"a round asks {pair}, which is known, closed or pending")
    return planned


def _check_session(
    strategy: Strategy,
    graph: CandidateGraph,
    constraints: Constraints,
    truth: IntArray,
    seed: int,
    *,
    count: int,
) -> list[PairQuery]:
    """The first `count` questions of a session, answered truly or not at all; fewer if it ends before."""
    queue, asked = RoundQueue(constraints), list[PairQuery]()
    while len(asked) < count:
        served = [] if queue.is_stale() else queue.next_open_pairs(1)
        if not served:
            planned = queue.plan_next(strategy, graph, seed=seed)
            queue.start(planned)
            served = queue.next_open_pairs(1)
            if not served:
                _require(not planned.pairs, "the last round of a session holds pairs that cannot be asked")
                return asked
        _answer(queue, served[0], truth, len(asked))
        asked.extend(served)
    left = any(True for _ in _open_pairs(graph, constraints))
    _require(
        left or not queue.plan_next(strategy, graph, seed=seed).pairs, "a session does not come to an end"
    )
    return asked


def _answer(queue: RoundQueue, query: PairQuery, truth: IntArray, number: int) -> None:
    answer = Answer.SAME if truth[query.first] == truth[query.second] else Answer.DIFFERENT
    if number % NOT_COMPARABLE_EVERY == NOT_COMPARABLE_EVERY - 1:
        answer = Answer.NOT_COMPARABLE
    label = LabelledPair(str(number), query.first, query.second, answer)
    queue.constraints.apply(label, "annotator", queue.chance((query.first, query.second)))
    queue.count_answers()


def _open_pairs(graph: CandidateGraph, constraints: Constraints) -> Iterable[Pair]:
    pairs = zip(graph.first.tolist(), graph.second.tolist(), strict=True)
    return (pair for pair in pairs if constraints.is_open(*pair))


def _content(state: PlanState) -> list[bytes]:
    """All that a plan may read, as bytes."""
    graph, constraints = state.graph, state.constraints
    columns: list[NDArray[np.generic]] = [
        graph.first,
        graph.second,
        graph.visual,
        graph.feasibility,
        graph.fused,
    ]
    columns += [] if graph.embeddings is None else [graph.embeddings]
    columns += [] if graph.table is None else [graph.table.position_m, graph.table.time_s, graph.table.side]
    columns += [constraints.component_ids(), constraints.separations()]
    columns += [constraints.closed_pairs(), constraints.undecided()]
    return [column.tobytes() for column in columns]


def _require(kept: object, rule: str) -> None:
    if not kept:
        raise AssertionError(rule)
