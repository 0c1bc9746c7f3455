"""The strategy that learns which open component pairs are one animal from the session's own answers.

Two logistic regressions over the terms of component pairs, one for pairs that share a burst and one for all
others, start from common weights and move with the answers. The likeliest pairs are asked first. What a
regression gives is called a chance once it has the answers that a calibration of the survey needs; before, it
only orders the pairs. Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

import numpy as np
import scipy

from spotted.arrays import BoolArray, Float64Array, IntArray
from spotted.calibration.labels import describe_shortage
from spotted.calibration.logistic import Regression
from spotted.constraints.interface import Constraints
from spotted.errors import InvalidInputError
from spotted.sampling.candidate_graph import CandidateGraph
from spotted.sampling.rounds import PairQuery, PlanState, Round
from spotted.sampling.stopping import Expected
from spotted.sampling.strategies.learned_terms import Items, PairTerms, Term, items, pair_terms
from spotted.sampling.strategies.ranked import highest

# start of each weight and how hard it is held there, rounded from fits on generated development surveys
# (seeds 4 to 7 of two shapes); a session's own answers outweigh them after a few hundred
ACROSS = {
    Term.FUSED: (0.3, 10.0),
    Term.ALIKE: (0.5, 5.0),
    Term.FEASIBLE: (0.8, 5.0),
    Term.RANGE: (0.7, 15.0),
    Term.APPEARANCE: (0.4, 40.0),
    Term.SMALLER: (0.0, 5.0),
    Term.LARGER: (0.3, 10.0),
    Term.REFUSED_LESS: (-0.2, 10.0),
    Term.REFUSED_MORE: (-0.3, 10.0),
    Term.SAME_SIDE: (0.0, 5.0),
    Term.NO_COMMON_SIDE: (0.0, 2.0),
    Term.CONSTANT: (-3.5, 10.0),
    Term.NAMED: (0.0, 1.0),
}
WITHIN = {
    Term.BURST: (0.7, 30.0),
    Term.ALIKE: (0.0, 5.0),
    Term.RANGE: (0.0, 5.0),
    Term.APPEARANCE: (0.2, 10.0),
    Term.SMALLER: (-1.0, 5.0),
    Term.LARGER: (-0.2, 5.0),
    Term.NO_COMMON_SIDE: (0.0, 2.0),
    Term.CONSTANT: (-0.8, 10.0),
}
# from these values on a reason says "alike" or "seen in one range"
HIGH_VISUAL, HIGH_RANGE = 0.5, 0.3


@dataclass(frozen=True, slots=True)
class Learned:
    """The open component pairs that are likeliest one animal, by the answers so far.

    >>> from spotted.constraints import Closure
    >>> from spotted.sampling.strategies.conformance import small_survey
    >>> graph, _ = small_survey(seed=0)
    >>> planned = Learned().plan(PlanState(graph, Closure(graph.n), 1), np.random.default_rng(0))
    >>> len(planned.pairs), planned.renew_after, planned.pairs[0].reason.split(",")[0]
    (100, 25, 'alike')
    """

    renew_after: int = 25
    """Least number of answers until the next round is planned; a fortieth of the items if that is more."""
    ahead: int = 4
    """Pairs in a round, as a multiple of those answers, so that annotators need not wait for the next."""
    beside: int = 8
    """Most pairs about each component that is asked about before the next round, to fill its galleries."""
    # the fixed part of the last graph, as making it takes longer than a plan; never part of a result
    _made: list[tuple[CandidateGraph, Items]] = field(
        default_factory=list, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        if min(self.renew_after, self.ahead) < 1:
            raise InvalidInputError(
                f"renew_after {self.renew_after} and ahead {self.ahead} must be at least 1",
                field="renew_after",
            )

    def plan(self, state: PlanState, rng: np.random.Generator) -> Round:  # noqa: ARG002 - part of Strategy
        """The likeliest open component pairs, ties by the order of the graph; one image pair each.

        Beside them are the likeliest ones about the components of the first, from all candidates.

        Raises PreconditionError if the graph has no embeddings or no table.
        """
        fixed = self._items(state.graph)
        pairs = pair_terms(state.graph, fixed, state.constraints, state.excluding)
        log_odds, calibrated = _log_odds(pairs, state.known, state.constraints)
        renew_after = max(self.renew_after, state.graph.n // 40)
        everything = np.ones(len(log_odds), dtype=np.bool_)
        best = highest(log_odds, everything, renew_after * self.ahead)
        chance = scipy.special.expit(log_odds)
        component = state.constraints.component_ids()
        sides = component[[state.graph.first[pairs.row], state.graph.second[pairs.row]]]
        beside = _beside(sides, log_odds, best[:renew_after], self.beside)
        beside[best] = False
        # the last column is left out of a session without names
        width = len(Term) if state.constraints.named_items().any() else int(Term.NAMED)
        asked, further = (
            tuple(_queries(state.graph, fixed, pairs, rows, chance, calibrated, width))
            for rows in (best, highest(log_odds, beside, len(beside)))
        )
        expected = Expected(float(chance.sum()), len(chance))
        return Round(
            state.number, "learned", asked, renew_after=renew_after, expected=expected, beside=further
        )

    def _items(self, graph: CandidateGraph) -> Items:
        if not self._made or self._made[0][0] is not graph:
            self._made[:] = [(graph, items(graph))]
        return self._made[0][1]


def _beside(sides: IntArray, log_odds: Float64Array, first: IntArray, most: int) -> BoolArray:
    """(p,) True for the `most` likeliest pairs about each component of the first pairs.

    sides: (2, p) the components of each pair.
    """
    component, pair = sides.ravel(), np.tile(np.arange(len(log_odds)), 2)
    about = np.flatnonzero(np.isin(component, sides[:, first]))
    about = about[np.lexsort((-log_odds[pair[about]], component[about]))]
    start = np.flatnonzero(np.diff(component[about], prepend=-1))
    rank = np.arange(len(about)) - np.repeat(start, np.diff(np.append(start, len(about))))
    chosen = np.zeros(len(log_odds), dtype=np.bool_)
    chosen[pair[about[rank < most]]] = True
    return chosen


def _log_odds(
    pairs: PairTerms, known: Collection[PairQuery], constraints: Constraints
) -> tuple[Float64Array, BoolArray]:
    """(p,) log-odds that each component pair is one animal, and (p,) whether enough answers gave them."""
    terms, individuals, in_burst = _examples(known, constraints)
    same = individuals[:, 0] == individuals[:, 1]
    log_odds, calibrated = np.empty(len(pairs.row)), np.zeros(len(pairs.row), dtype=np.bool_)
    for start, these, ours in ((WITHIN, pairs.in_burst, in_burst), (ACROSS, ~pairs.in_burst, ~in_burst)):
        columns = [int(term) for term in start]
        weights = _weights(start, terms[ours][:, columns], same[ours])
        log_odds[these] = pairs.terms[these][:, columns] @ weights
        calibrated[these] = not describe_shortage(individuals[ours])
    return log_odds, calibrated


def _examples(
    known: Collection[PairQuery], constraints: Constraints
) -> tuple[Float64Array, IntArray, BoolArray]:
    """Terms, components, and a mask of pairs in a burst, of the planned pairs whose answer is known by now.

    The components (m, 2) are equal if the answer is SAME. A pair whose answer is implied teaches like one
    that was asked: it was as doubtful when it was planned.
    """
    terms, ends = [], []
    for query in known:
        if constraints.implied(query.first, query.second) is not None:
            terms.append((*query.terms, *[0.0] * (len(Term) - len(query.terms))))
            ends.append((query.first, query.second))
    columns = np.array(terms, dtype=np.float64).reshape(-1, len(Term))
    individuals = constraints.component_ids()[np.array(ends, dtype=np.int64).reshape(-1, 2)]
    return columns, individuals, columns[:, Term.BURST] > 0


def _weights(start: dict[Term, tuple[float, float]], design: Float64Array, same: BoolArray) -> Float64Array:
    begin, pull = np.array(list(start.values())).T
    free = scipy.optimize.Bounds(np.full(len(begin), -np.inf), np.full(len(begin), np.inf))
    return Regression(design, same, np.ones(len(same)), begin, pull, free).solve()


def _queries(
    graph: CandidateGraph,
    fixed: Items,
    pairs: PairTerms,
    chosen: IntArray,
    chance: Float64Array,
    calibrated: BoolArray,
    width: int,
) -> Iterator[PairQuery]:
    for index in chosen.tolist():
        row, terms = pairs.row[index], pairs.terms[index]
        reason = _reason(graph, row, fixed, terms, in_burst=bool(pairs.in_burst[index]))
        yield PairQuery(
            int(graph.first[row]),
            int(graph.second[row]),
            f"{reason}, {chance[index]:.0%} likely one animal" if calibrated[index] else reason,
            float(chance[index]),
            tuple(terms[:width].tolist()),
            bool(calibrated[index]),
        )


def _reason(graph: CandidateGraph, row: int, fixed: Items, terms: Float64Array, *, in_burst: bool) -> str:
    """The strongest reason for the pair, for the annotator to read."""
    if in_burst:
        return "frames of one burst"
    alike = graph.visual[row] >= HIGH_VISUAL or terms[Term.APPEARANCE] > 0
    near = len(fixed.places) > 1 and np.exp(terms[Term.RANGE]) >= HIGH_RANGE
    if alike and near:
        return "alike, and seen in one range"
    return "alike" if alike else "seen in one range" if near else "best of what is left"
