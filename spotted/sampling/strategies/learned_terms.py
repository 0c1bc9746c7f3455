"""Terms for and against two components being one animal, as columns over component pairs.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np

from spotted.arrays import BoolArray, Float32Array, Float64Array, IntArray
from spotted.constraints.interface import Constraints
from spotted.errors import PreconditionError
from spotted.facts.pair_rows import pair_keys
from spotted.sampling.bursts import burst_ids
from spotted.sampling.candidate_graph import CandidateGraph, open_rows
from spotted.sampling.rounds import Pair
from spotted.sampling.strategies.appearance import Appearance, fitted, guessed_spread, looks, views
from spotted.sampling.strategies.groups import Groups
from spotted.sampling.strategies.ranges import Ranges, compute_ranges, spacing_m, stations
from spotted.survey import Side

SCORE_FLOOR = 1e-2  # keeps the log-odds of scores 0 and 1 finite
RANGE_STATIONS = 1.5  # width of the range kernel, in distances between neighbouring stations
RATIO_LIMIT = 20.0  # log-ratios beyond it are settled
MOST_PAIRS = 20_000
ROWS = 8_000  # pairs whose looks are compared at a time


class Term(enum.IntEnum):
    """The columns, scaled so that a step of one is a marked difference."""

    FUSED = 0  # log-odds of the highest fused score
    ALIKE = 1  # highest visual score between two encounters
    FEASIBLE = 2  # highest feasibility
    RANGE = 3  # log of how close the two ranges lie
    APPEARANCE = 4  # log-ratio of one animal to two, from all views
    SMALLER = 5  # log images of the smaller component
    LARGER = 6  # log images of the larger
    REFUSED_LESS = 7  # log of 1 + components that the one with fewer is known to differ from
    REFUSED_MORE = 8  # the same of the other
    SAME_SIDE = 9  # highest visual score of two images of one side, from two encounters
    NO_COMMON_SIDE = 10  # 1 if no side is shown by both
    BURST = 11  # highest visual score within one burst
    CONSTANT = 12
    NAMED = 13  # 1 if one of the two has a known name, and the other none


@dataclass(frozen=True, slots=True)
class Items:
    """The part of the terms that does not change with answers: made once for a graph."""

    seen: Float64Array
    """(n, d) looks."""
    station: IntArray
    """(n,) the station of each item."""
    places: Float64Array
    """(p, 2) the locations of the stations, metres."""
    side: IntArray
    """(n,) the side of each item, numbered from 0."""
    burst: IntArray
    """(n,) the burst of each item."""
    crossing: BoolArray
    """(m,) True for candidate pairs of two encounters."""
    same_side: BoolArray
    """(m,) True for candidate pairs that show one side."""
    guess: Float64Array
    """(d, d) spread of the views of one animal before any label."""
    usual_feasibility: float
    """Mean over the candidate pairs with a feasibility, used for those without."""


def items(graph: CandidateGraph) -> Items:
    """The fixed part of the terms. Raises PreconditionError without embeddings or table."""
    if graph.embeddings is None or graph.table is None:
        raise PreconditionError(
            "the strategy `learned` needs embeddings, locations, times and sides; give the graph both "
            "embeddings and a table, or choose `confspal`"
        )
    station, places = stations(graph.table.position_m)
    seen = looks(graph.embeddings, station)
    burst, side = burst_ids(graph.table), graph.table.side
    crossing = burst[graph.first] != burst[graph.second]
    same_side = (side[graph.first] == side[graph.second]) & (side[graph.first] != Side.UNKNOWN)
    comparable = crossing & (side[graph.first] == side[graph.second])
    likeliest = np.where(comparable, graph.fused, -1.0)
    best = np.argsort(-likeliest, kind="stable")[: min(graph.n // 2, int(comparable.sum()))]
    guess = guessed_spread(seen, graph.first[best], graph.second[best])
    numbered = np.unique(side, return_inverse=True)[1].reshape(-1)
    known = graph.feasibility[~np.isnan(graph.feasibility)]
    usual = float(known.mean(dtype=np.float64)) if len(known) else 1.0
    return Items(seen, station, places, numbered, burst, crossing, same_side, guess, usual)


@dataclass(frozen=True, slots=True)
class PairTerms:
    """The open component pairs of a graph, each with its best image pair that is open."""

    row: IntArray
    """(p,) row of the graph, the image pair with the highest fused score."""
    terms: Float64Array
    """(p, len(Term))."""
    in_burst: BoolArray
    """(p,) True if an image pair of it lies in one burst."""


def pair_terms(
    graph: CandidateGraph,
    fixed: Items,
    constraints: Constraints,
    excluding: frozenset[Pair] = frozenset(),
    *,
    most: int = MOST_PAIRS,
) -> PairTerms:
    """The terms of the component pairs that have an open image pair, ordered by that row.

    Scores count over all candidate pairs between two components, looks and ranges over all their images.
    most: if more pairs are open, `most / 2` with the highest fused scores and `most / 2` with the most alike
    mean looks are kept; the others are hardly worth a question before the next round.
    """
    component = _numbered(constraints, graph.n)
    a, b = component[graph.first], component[graph.second]
    across = np.flatnonzero(a != b)
    keys = pair_keys(graph.n, a[across], b[across])
    groups = Groups(keys)
    is_open = open_rows(graph, constraints, excluding)[across]
    open_fused = np.where(is_open, graph.fused[across], -1.0)
    best = groups.arg_highest(open_fused)
    top = open_fused[best]
    first, second = np.minimum(a, b)[across[best]], np.maximum(a, b)[across[best]]
    kept = _shortlist(fixed, component, first, second, top, most)
    rows = groups.rows_of(kept)
    scores = _scores(graph, fixed, Groups(keys[rows]), across[rows])
    counted = _counted(constraints, component, first[kept], second[kept], fixed.side)
    closeness, ratio = _about(fixed, component, first[kept], second[kept])
    constant = np.ones(len(kept))
    named = _named(constraints, component)
    columns = (*scores[:3], closeness, ratio, *counted[:4], scores[3], counted[4], scores[4], constant)
    columns += ((named[first[kept]] != named[second[kept]]).astype(np.float64),)
    row = across[best[kept]]
    order = np.argsort(row)
    return PairTerms(row[order], np.stack(columns, axis=1)[order], scores[5][order] > 0)


def _numbered(constraints: Constraints, count: int) -> IntArray:
    """(count,) number of each item's component; an item that is gone has a number of its own."""
    ids = constraints.component_ids()[:count]
    gone = np.array(sorted(item for item in constraints.gone if item < count), dtype=np.int64)
    # without a vector and a place, it would blur those of its component
    ids[gone] = constraints.items + gone
    return np.unique(ids, return_inverse=True)[1].reshape(-1)


def _shortlist(
    fixed: Items, component: IntArray, first: IntArray, second: IntArray, top: Float64Array, most: int
) -> IntArray:
    """The component pairs that are open and, if there are many, high in one of two cheap scores."""
    is_open = np.flatnonzero(top >= 0.0)
    if len(is_open) <= most:
        return is_open
    mean = np.zeros((int(component.max()) + 1, fixed.seen.shape[1]))
    np.add.at(mean, component, fixed.seen)
    mean /= np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    alike = _products(mean.astype(np.float32), first[is_open], second[is_open])
    chosen = np.zeros(len(is_open), dtype=np.bool_)
    for cheap in (top[is_open], alike):
        # every pair that ties with the last one stays, so that no order decides
        chosen |= cheap >= np.partition(cheap, len(cheap) - most // 2)[len(cheap) - most // 2]
    return is_open[chosen]


def _products(rows: Float32Array, first: IntArray, second: IntArray) -> Float32Array:
    """(m,) products of pairs of rows, in blocks that stay in the processor's cache."""
    products = np.empty(len(first), dtype=np.float32)
    for start in range(0, len(first), ROWS):
        block = slice(start, start + ROWS)
        products[block] = np.einsum("ij,ij->i", rows[first[block]], rows[second[block]])
    return products


def _scores(graph: CandidateGraph, fixed: Items, groups: Groups, rows: IntArray) -> tuple[Float64Array, ...]:
    """Log-odds of fused, alike, feasible, same side, burst, in a burst: the highest over the image pairs."""
    visual, crossing = graph.visual[rows].astype(np.float64), fixed.crossing[rows]
    feasible = graph.feasibility[rows].astype(np.float64)
    # an unknown journey is as feasible as journeys are on average
    feasible[np.isnan(feasible)] = fixed.usual_feasibility
    fused = np.clip(groups.highest(graph.fused[rows]), SCORE_FLOOR, 1.0 - SCORE_FLOOR)
    return (
        np.log(fused / (1.0 - fused)),
        5.0 * groups.highest(np.where(crossing, visual, 0.0)),
        2.0 * groups.highest(feasible),
        5.0 * groups.highest(np.where(crossing & fixed.same_side[rows], visual, 0.0)),
        5.0 * groups.highest(np.where(crossing, 0.0, visual)),
        groups.highest(np.where(crossing, 0.0, 1.0)),
    )


def _about(
    fixed: Items, component: IntArray, first: IntArray, second: IntArray
) -> tuple[Float64Array, Float64Array]:
    """Ranges and appearance of two components."""
    count = int(component.max(initial=-1)) + 1
    width_m = RANGE_STATIONS * spacing_m(fixed.places)
    ranges: Ranges = compute_ranges(component, count, fixed.station, fixed.places, width_m=width_m)
    shown = views(fixed.seen, component, fixed.side, fixed.burst)
    sides = int(fixed.side.max(initial=0)) + 1
    looked: Appearance = fitted(shown, count, sides, fixed.guess)
    ratio = np.clip(looked.log_ratio(first, second), -RATIO_LIMIT, RATIO_LIMIT)
    return np.log(ranges.closeness(first, second) + SCORE_FLOOR), ratio / 4.0


def _named(constraints: Constraints, component: IntArray) -> BoolArray:
    """(c,) True for the components with a known name."""
    named = np.zeros(int(component.max(initial=-1)) + 1, dtype=np.bool_)
    named[component] = constraints.named_items()[: len(component)]
    return named


def _counted(
    constraints: Constraints, component: IntArray, first: IntArray, second: IntArray, side: IntArray
) -> tuple[Float64Array, ...]:
    """Log sizes, log refusals, and 1 if no side is shown by both."""
    count = int(component.max(initial=-1)) + 1
    size = np.bincount(component, minlength=count)
    refused = np.zeros(count)
    ids = constraints.component_ids()
    # a component of items that came after the graph refuses others, and none asks what it refuses
    number = np.full(len(ids), count)
    there = np.setdiff1d(np.arange(len(component)), np.array(sorted(constraints.gone), dtype=np.int64))
    number[ids[there]] = component[there]
    for column in constraints.separations().T:
        refused += np.bincount(number[column], minlength=count)[:count]
    shows = np.zeros((count, int(side.max(initial=0)) + 1), dtype=np.bool_)
    shows[component, side] = True
    columns: list[Float64Array] = []
    for counted in (np.log(size), np.log1p(refused)):
        columns += [np.minimum(counted[first], counted[second]), np.maximum(counted[first], counted[second])]
    apart = ~(shows[first] & shows[second]).any(axis=1)
    return (*columns, np.asarray(apart, dtype=np.float64))
