from __future__ import annotations

import dataclasses
import itertools
import math
from dataclasses import dataclass

import numpy as np
import pytest

from spotted.arrays import Float64Array, IntArray
from spotted.constraints.answers import Answer, LabelledPair
from spotted.constraints.assumptions import Assumptions, assume
from spotted.constraints.closure import Closure
from spotted.constraints.interface import Constraints
from spotted.errors import PreconditionError
from spotted.sampling.bursts import burst_ids
from spotted.sampling.candidate_graph import CandidateGraph, from_candidates
from spotted.sampling.strategies.appearance import fitted, views
from spotted.sampling.strategies.learned_terms import (
    RANGE_STATIONS,
    RATIO_LIMIT,
    SCORE_FLOOR,
    Items,
    PairTerms,
    Term,
    items,
    pair_terms,
)
from spotted.sampling.strategies.ranges import spacing_m
from spotted.survey import DetectionTable, Side

N = 36
Pair = tuple[int, int]
KINDS = (Answer.SAME, Answer.DIFFERENT, Answer.NOT_COMPARABLE)


def random_table(rng: np.random.Generator) -> DetectionTable:
    """Bursts at six stations, some places, times and sides unknown."""
    places = rng.uniform(0, 5_000, (6, 2))
    position_m = places[rng.integers(0, 6, N)]
    position_m[rng.random(N) < 0.1] = np.nan
    time_s = rng.integers(0, 4, N) * 3_600.0 + rng.uniform(0, 40, N)
    time_s[rng.random(N) < 0.1] = np.nan
    return DetectionTable(
        position_m=position_m,
        time_s=time_s,
        image=np.full(N, -1),
        side=rng.choice([Side.UNKNOWN, Side.LEFT, Side.RIGHT], N),
        location_uncertainty_m=np.zeros(N),
        clock_suspect=np.zeros(N, dtype=np.bool_),
    )


def random_graph(seed: int) -> CandidateGraph:
    """Half of all pairs, with scores that tie and feasibility that is often unknown."""
    rng = np.random.default_rng(seed)
    first, second = np.triu_indices(N, 1)
    kept = rng.random(len(first)) < 0.5
    first, second = first[kept].astype(np.int64), second[kept].astype(np.int64)
    embeddings = rng.normal(size=(N, 8))
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    feasibility = rng.random(len(first)).round(2)
    feasibility[rng.random(len(first)) < 0.3] = np.nan
    return from_candidates(
        N,
        first,
        second,
        visual=rng.random(len(first)).round(1),
        feasibility=feasibility,
        fused=rng.random(len(first)).round(1),
        embeddings=embeddings.astype(np.float32),
        table=random_table(rng),
    )


# one name, which separates nothing
NAMES = {3: "Mvula", 9: "Mvula"}


def answered(seed: int, count: int = 40) -> Constraints:
    """Random answers, one pair of an image among them; what contradicts is not applied."""
    rng = np.random.default_rng(seed + 100)
    constraints = Closure(N)
    assume(constraints, Assumptions([(0, 1)], NAMES))
    for number in range(count):
        a, b = sorted(rng.choice(N, 2, replace=False).tolist())
        constraints.apply(LabelledPair(str(number), a, b, KINDS[rng.integers(0, 3)]))
    return constraints


@dataclass(frozen=True)
class Plain:
    """The columns of one component pair, by loops over its image pairs."""

    graph: CandidateGraph
    constraints: Constraints
    one: tuple[int, ...]
    other: tuple[int, ...]

    @property
    def table(self) -> DetectionTable:
        assert self.graph.table is not None
        return self.graph.table

    def rows(self) -> list[int]:
        pairs = {tuple(sorted(pair)) for pair in itertools.product(self.one, self.other)}
        both = zip(self.graph.first.tolist(), self.graph.second.tolist(), strict=True)
        return [row for row, pair in enumerate(both) if pair in pairs]

    def crossing(self, row: int) -> bool:
        burst = burst_ids(self.table)
        return bool(burst[self.graph.first[row]] != burst[self.graph.second[row]])

    def visual(self, rows: list[int]) -> float:
        return 5.0 * max([float(self.graph.visual[row]) for row in rows], default=0.0)

    def fused(self) -> float:
        top = max(float(self.graph.fused[row]) for row in self.rows())
        top = min(max(top, SCORE_FLOOR), 1.0 - SCORE_FLOOR)
        return math.log(top / (1.0 - top))

    def feasible(self, usual: float) -> float:
        found = [float(self.graph.feasibility[row]) for row in self.rows()]
        return 2.0 * max(usual if math.isnan(value) else value for value in found)

    def near(self) -> float:
        known = [i for i in range(N) if not np.isnan(self.table.position_m[i]).any()]
        places = np.unique(self.table.position_m[known], axis=0)
        width_m = RANGE_STATIONS * spacing_m(places)

        def closeness(pairs: list[Pair]) -> float:
            squares = [
                float(((self.table.position_m[a] - self.table.position_m[b]) ** 2).sum()) for a, b in pairs
            ]
            return sum(math.exp(-square / (2.0 * width_m**2)) for square in squares) / len(squares)

        pairs = [(a, b) for a, b in itertools.product(self.one, self.other) if a in known and b in known]
        everyone = [(a, b) for a in known for b in known]
        return math.log(closeness(pairs or everyone) + SCORE_FLOOR)

    def counted(self) -> list[float]:
        sizes = sorted(math.log(len(part)) for part in (self.one, self.other))
        refused = sorted(
            math.log1p(len(self.constraints.separated_from(self.constraints.component_of(part[0]))))
            for part in (self.one, self.other)
        )
        return [*sizes, *refused]

    def columns(self, usual: float) -> list[float]:
        """All but the appearance."""
        rows, side = self.rows(), self.table.side
        crossing = [row for row in rows if self.crossing(row)]
        same_side = [
            row
            for row in crossing
            if side[self.graph.first[row]] == side[self.graph.second[row]] != Side.UNKNOWN
        ]
        apart = not {int(side[i]) for i in self.one} & {int(side[i]) for i in self.other}
        within = [row for row in rows if not self.crossing(row)]
        return [
            self.fused(),
            self.visual(crossing),
            self.feasible(usual),
            self.near(),
            *self.counted(),
            self.visual(same_side),
            float(apart),
            self.visual(within),
            1.0,
            float(self.named(self.one) != self.named(self.other)),
        ]

    def named(self, part: tuple[int, ...]) -> bool:
        return not NAMES.keys().isdisjoint(part)

    def best_open(self, excluding: frozenset[Pair]) -> int | None:
        """The open row of the highest fused score, the lowest of equal ones."""
        ends = {row: (int(self.graph.first[row]), int(self.graph.second[row])) for row in self.rows()}
        still = [row for row, pair in ends.items() if self.constraints.is_open(*pair)]
        return min(
            (row for row in still if ends[row] not in excluding),
            key=lambda row: (-self.graph.fused[row], row),
            default=None,
        )


def plain_terms(
    graph: CandidateGraph, constraints: Constraints, excluding: frozenset[Pair]
) -> dict[int, Plain]:
    """Every open component pair, by the row that is asked."""
    every = [Plain(graph, constraints, *pair) for pair in itertools.combinations(constraints.components(), 2)]
    best = [(pair.best_open(excluding), pair) for pair in every]
    return {row: pair for row, pair in best if row is not None}


def usual_feasibility(graph: CandidateGraph) -> float:
    """The mean over the candidate pairs of known feasibility."""
    return float(np.mean([float(value) for value in graph.feasibility if not np.isnan(value)]))


def appearance(fixed: Items, pairs: list[Plain]) -> Float64Array:
    """Log-ratios over numbers of components of the test's own."""
    parts = pairs[0].constraints.components()
    component = np.empty(N, dtype=np.int64)
    for number, part in enumerate(parts):
        component[list(part)] = number
    shown = views(fixed.seen, component, fixed.side, fixed.burst)
    model = fitted(shown, len(parts), int(fixed.side.max()) + 1, fixed.guess)
    first, second = (
        np.array([parts.index(part) for part in column])
        for column in zip(*((pair.one, pair.other) for pair in pairs), strict=True)
    )
    return np.clip(model.log_ratio(first, second), -RATIO_LIMIT, RATIO_LIMIT) / 4.0


def excluded(seed: int) -> frozenset[Pair]:
    graph = random_graph(seed)
    return frozenset(zip(graph.first[::5].tolist(), graph.second[::5].tolist(), strict=True))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_column_equals_a_loop_over_image_pairs(seed: int) -> None:
    graph, constraints, excluding = random_graph(seed), answered(seed), excluded(seed)
    fixed = items(graph)
    found = pair_terms(graph, fixed, constraints, excluding)
    expected = plain_terms(graph, constraints, excluding)
    assert found.row.tolist() == sorted(expected)
    in_order = [expected[row] for row in sorted(expected)]
    usual = usual_feasibility(graph)
    others = [term for term in Term if term is not Term.APPEARANCE]
    plain = np.array([pair.columns(usual) for pair in in_order])
    assert found.terms[:, others] == pytest.approx(plain, rel=1e-5, abs=1e-6)
    assert found.terms[:, Term.APPEARANCE] == pytest.approx(appearance(fixed, in_order), rel=1e-6, abs=1e-9)
    within = [any(not pair.crossing(row) for row in pair.rows()) for pair in in_order]
    assert found.in_burst.tolist() == within


def test_the_survey_of_these_tests_holds_what_they_are_about() -> None:
    graph, constraints = random_graph(0), answered(0)
    found = pair_terms(graph, items(graph), constraints, excluded(0)).terms
    assert len(constraints.closed_pairs())
    assert len(constraints.separations())
    assert max(len(part) for part in constraints.components()) > 2
    varied = [term for term in Term if term is not Term.CONSTANT]
    assert (np.ptp(found[:, varied], axis=0) > 0).all()


def test_other_numbers_of_components_give_the_same_terms() -> None:
    """Merged in another order, the same components have other ids."""
    graph = random_graph(3)
    fixed = items(graph)
    chain, terms, ids = [4, 9, 17, 30], [], []
    for order in (chain, chain[::-1]):
        constraints = Closure(N)
        constraints.apply(LabelledPair("apart", order[0], 20, Answer.DIFFERENT))
        for a, b in itertools.pairwise(order):
            constraints.apply(LabelledPair(f"{a}-{b}", a, b, Answer.SAME))
        ids.append(constraints.component_of(4))
        terms.append(pair_terms(graph, fixed, constraints))
    assert ids[0] != ids[1]
    assert terms[0].row.tolist() == terms[1].row.tolist()
    assert terms[0].terms == pytest.approx(terms[1].terms)


def test_items_that_came_after_the_graph_change_no_other_term() -> None:
    graph = random_graph(4)
    fixed, plain, grown = items(graph), answered(4), answered(4)
    before = pair_terms(graph, fixed, plain)
    grown.add_items(2 * N)
    # more later items than the lone one refuses, so that its component takes a later item's number
    refuses = {part[0]: len(plain.separated_from(part[0])) for part in plain.components() if len(part) == 1}
    lone = max(refuses, key=lambda item: refuses[item])
    for later in [*range(N + 2, 2 * N), lone]:
        grown.apply(LabelledPair(f"later-{later}", later, N + 1, Answer.SAME))
    assert refuses[lone] > 0
    assert grown.component_of(lone) > N
    # among N items the key of such a pair would be that of an open one
    first, second = (int(column[before.row[-1]]) for column in (graph.first, graph.second))
    grown.apply(LabelledPair("far", first - 1, second + N, Answer.NOT_COMPARABLE))
    after = pair_terms(graph, fixed, grown)
    assert after.row.tolist() == before.row.tolist()
    assert after.terms == pytest.approx(before.terms)


def by_pair(graph: CandidateGraph, found: PairTerms) -> dict[Pair, list[float]]:
    return {
        (int(graph.first[row]), int(graph.second[row])): terms.tolist()
        for row, terms in zip(found.row, found.terms, strict=True)
    }


def test_where_many_pairs_are_open_the_highest_scores_stay() -> None:
    graph = random_graph(5)
    fixed, constraints = items(graph), answered(5)
    everything = by_pair(graph, pair_terms(graph, fixed, constraints))
    most = 20
    short = by_pair(graph, pair_terms(graph, fixed, constraints, most=most))
    assert len(short) < len(everything)
    assert np.array([everything[pair] for pair in short]) == pytest.approx(np.array(list(short.values())))
    fused = {
        (a, b): value
        for a, b, value in zip(graph.first.tolist(), graph.second.tolist(), graph.fused, strict=True)
        if (a, b) in everything
    }
    least = sorted(fused.values())[-most // 2]
    highest = {pair for pair, value in fused.items() if value >= least}
    alike = mean_looks(fixed, constraints, list(everything))
    nearest = sorted(alike, key=lambda pair: -alike[pair])[: most // 2]
    assert set(short) == highest.union(nearest)


def mean_looks(fixed: Items, constraints: Constraints, pairs: list[Pair]) -> dict[Pair, float]:
    """The cosine of the sums of the looks of two components."""

    def whole(item: int) -> Float64Array:
        total = fixed.seen[list(constraints.members(constraints.component_of(item)))].sum(axis=0)
        return np.asarray(total / np.linalg.norm(total))

    return {pair: float(whole(pair[0]) @ whole(pair[1])) for pair in pairs}


def test_no_shortlist_is_made_of_few_pairs() -> None:
    graph = random_graph(6)
    fixed, constraints = items(graph), answered(6)
    whole = pair_terms(graph, fixed, constraints)
    assert len(pair_terms(graph, fixed, constraints, most=len(whole.row)).row) == len(whole.row)


@pytest.mark.parametrize("known", [True, False])
def test_an_unknown_journey_is_as_feasible_as_the_known_ones_on_average(*, known: bool) -> None:
    graph = random_graph(7)
    feasibility = np.full(len(graph), np.nan, dtype=np.float32)
    if known:
        feasibility[0] = 0.25
    graph = dataclasses.replace(graph, feasibility=feasibility)
    found = pair_terms(graph, items(graph), Closure(N)).terms[:, Term.FEASIBLE]
    assert found == pytest.approx(np.full(len(found), 0.5 if known else 2.0))


def test_everything_answered_leaves_no_terms() -> None:
    graph = random_graph(8)
    constraints = Closure(N)
    for item in range(1, N):
        constraints.apply(LabelledPair(str(item), 0, item, Answer.SAME))
    found = pair_terms(graph, items(graph), constraints)
    assert found.row.shape == (0,)
    assert found.terms.shape == (0, len(Term))


def test_a_graph_without_what_the_terms_look_at_is_refused() -> None:
    whole = random_graph(9)
    for graph in (dataclasses.replace(whole, table=None), dataclasses.replace(whole, embeddings=None)):
        with pytest.raises(PreconditionError, match="give the graph both embeddings and a table"):
            items(graph)


def test_the_guess_is_of_the_likeliest_pairs_of_one_side_and_two_bursts() -> None:
    graph = random_graph(10)
    assert graph.table is not None
    fixed, side = items(graph), graph.table.side
    burst: IntArray = burst_ids(graph.table)
    rows = [
        row
        for row, (a, b) in enumerate(zip(graph.first, graph.second, strict=True))
        if burst[a] != burst[b] and side[a] == side[b]
    ]
    chosen = sorted(rows, key=lambda row: (-graph.fused[row], row))[: N // 2]
    without = dataclasses.replace(
        graph,
        first=graph.first[sorted(chosen)],
        second=graph.second[sorted(chosen)],
        **{c: getattr(graph, c)[sorted(chosen)] for c in ("visual", "feasibility", "fused")},
    )
    assert fixed.guess == pytest.approx(items(without).guess)
