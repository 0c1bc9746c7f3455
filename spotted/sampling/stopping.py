"""When to stop asking: a guarantee on the merges that are left, and estimates of the matches left.

The guarantee is a test on the answers in the order of asking, after buscar (Callaghan and Mueller-Hansen
2020), over merges of components. It supposes right answers and a ranked order, and sees all open pairs, in
the candidate graph or not. The estimates see only candidate pairs, and are for progress bars.
Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import scipy

from spotted.arrays import BoolArray, Float64Array, IntArray
from spotted.constraints.answers import Decisions
from spotted.constraints.interface import Constraints
from spotted.counting import count_of_share
from spotted.errors import InvalidInputError
from spotted.facts.pair_rows import pair_keys
from spotted.sampling.candidate_graph import CandidateGraph, open_rows

TARGETS = (0.90, 0.95, 0.98)
URNS = 1000  # tested urns; the least p over fewer urns is larger, so a limit errs on the safe side
FEW = 32  # every 32nd urn is compared with the bound first
# tuned on generated surveys of seeds 0 to 9: twice what is expected with odds of 3 held in all of 96 surveys,
# and in 118 of 120 of other noise, ranges and herds, missing by one merge in the others; fresh seeds are
# judged by benchmarks/stopping/guarantee.py
RANKED_ODDS = 3.0
DOUBT = 2.0
COVERED = 0.99  # on candidate lists that held a part of the pairs, probabilities promised too much
RECENT_MERGES = 20
SCORE_FLOOR = 1e-3  # keeps the log-odds of scores 0 and 1 finite


@dataclass(frozen=True, slots=True)
class Expected:
    """Merges expected among the open pairs by a strategy's own probabilities."""

    merges: float
    """Sum of the probabilities that an open component pair is one individual, at the last plan."""
    component_pairs: int
    """Number of open component pairs that it was summed over."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """A bound on the merges that are left.

    >>> print(Outlook(found=196, merges_left_at_most=3, confidence=0.95))
    at most 3 merges left (95%): at least 98.4 % of all merges are known
    >>> Outlook(found=196, merges_left_at_most=9, confidence=0.95).is_safe(0.98)
    False
    """

    found: int
    """Merges so far."""
    merges_left_at_most: int
    """Most merges left at the given confidence, if all answers are right."""
    confidence: float

    @property
    def share_at_least(self) -> float:
        """At least this share of all merges is known; 1 if there is nothing to merge."""
        total = self.found + self.merges_left_at_most
        return self.found / total if total else 1.0

    @property
    def safe(self) -> Mapping[float, bool]:
        """For each of TARGETS, True if at least that share of all merges is known."""
        return {target: self.is_safe(target) for target in TARGETS}

    def is_safe(self, target: float) -> bool:
        """True if at least this share of all merges is known; beyond 0.98 only a random audit certifies.

        Merges are not image pairs: each that is left keeps two parts of one individual apart, most often but
        not always a small one. When 100 simulated sessions were first safe at 0.90, 0.95 and 0.98, the share
        of positive image pairs known was 0.99, 1.00 and 1.00 in the median, but 0.87 to 0.89 in the worst.
        Raises InvalidInputError for a target outside 0 to 1.
        """
        if not 0.0 < target <= 1.0:
            raise InvalidInputError(f"target {target} is not a share of the merges", field="target")
        return self.found >= count_of_share(target, self.found + self.merges_left_at_most)

    def __str__(self) -> str:
        known = f"at least {math.floor(1000 * self.share_at_least) / 10:g} % of all merges are known"
        return f"at most {self.merges_left_at_most} merges left ({self.confidence:.0%}): {known}"


def outlook(
    merged: BoolArray,
    open_component_pairs: int,
    *,
    components: int,
    names: int = 0,
    confidence: float = 0.95,
    expected: Expected | None = None,
) -> Outlook:
    """The bound on the merges that are left, for a progress report; other arguments as for `merges_left`.

    components: number of components now; each merge leaves one fewer, so that no more are left than make
    them one. names: number of known names, of which no two are one individual.
    """
    left = merges_left(merged, open_component_pairs, confidence=confidence, expected=expected)
    return Outlook(int(merged.sum()), min(left, max(components - max(names, 1), 0)), confidence)


def merges_left(
    merged: BoolArray,
    open_component_pairs: int,
    *,
    confidence: float = 0.95,
    expected: Expected | None = None,
) -> int:
    """At most this many merges are left, at the given confidence.

    Every suffix of the answers, joined with the open pairs, is an urn from which the suffix was drawn; a
    ranked order draws more merges than chance would, so that too few merges in the suffix speak against
    many in the rest. The bound is the largest number that no urn rejects (buscar's test, over merges).
    Testing several urns, and testing again after every few answers, is not corrected for: what a ranked
    order adds outweighs it. Of 100 fresh surveys (`make benchmark-stopping`) each target held in all by
    `learned`, in 96 to 100 by `greedy`, which on a composite of real places stopped at 0.978 for 0.98: a
    fixed ranking leaves its worst merges to the end. In random order the bound held in 87 to 92 % only.
    If candidate lists held too few pairs to find more than 0.88 to 0.98 of the merges, one of 36 times
    that it said "safe" was too early.

    With probabilities of all open pairs a lower bound is used if two agree on it: the one of the
    same test if a merge is asked RANKED_ODDS times as soon as chance would, and the largest plausible number
    of a Poisson law with DOUBT times the expected one. Pairs without a probability would be passed over, so
    that `expected` is ignored if they are more than 1 % of the open ones.

    merged: (q,) in the order of asking, True if the answer merged two components; answers that
    changed nothing are left out.
    open_component_pairs: truly open now, in the candidate graph or not (`Constraints.open_component_pairs`).
    """
    if not 0.0 < confidence < 1.0:
        raise InvalidInputError(f"confidence {confidence} is not between 0 and 1", field="confidence")
    if not open_component_pairs:
        return 0
    urns = _Urns.of(merged, open_component_pairs)
    plain = urns.bound(confidence, odds=1.0)
    if expected is None or expected.component_pairs < COVERED * open_component_pairs:
        return plain
    ranked = urns.bound(confidence, odds=RANKED_ODDS)
    plausible = _poisson_quantile(confidence, DOUBT * expected.merges)
    return min(plain, max(ranked, plausible))


@dataclass(frozen=True, slots=True)
class RemainingEstimate:
    """Expected positives among the open pairs of the candidate graph; an estimate, never a guarantee.

    >>> made = Decisions(np.array([0, 2]), np.array([1, 3]), np.array([True, True]), np.array([1, 4]))
    >>> left = estimate_planned(Expected(merges=2.0, component_pairs=100), made)
    >>> left.image_pairs, left.recall(found=45)
    (5.0, 0.9)
    """

    component_pairs: float
    """Expected number of open component pairs that are one individual."""
    image_pairs: float
    """Expected number of positive image pairs between open components."""
    answers: int
    """Number of answers that it rests on."""

    def recall(self, found: int) -> float:
        """The estimated share of positive image pairs that is known; 1 if none is expected."""
        expected = found + self.image_pairs
        return found / expected if expected else 1.0


def estimate_remaining(
    graph: CandidateGraph, constraints: Constraints, *, min_answers: int = 50
) -> RemainingEstimate | None:
    """The expected positives left, by the chance of SAME at each score and size.

    For strategies that ask in the order of fused scores: with greedy questions on generated surveys it was
    0.3 to 14 times the truth from 90 to 98 % of the merges (median 0.6 to 4), and 20 times at half of them.

    A logistic regression of the recent answers, on the log-odds of the fused score of the pair asked and
    the log of the image pairs that the answer decided, is summed over open component pairs, each with its
    highest fused score. Only the later half of the answers counts, and never fewer than `min_answers`:
    the pairs that earlier answers left over are poorer than their scores say.

    Returns None under `min_answers` answers, or if the recent ones are all of one kind.
    """
    made = constraints.decisions()
    recent = slice(min(len(made.merged) // 2, max(0, len(made.merged) - min_answers)), None)
    score, kept = _scores(graph, made.first[recent], made.second[recent])
    merged = made.merged[recent][kept]
    if len(merged) < max(min_answers, 1) or merged.all() or not merged.any():
        return None
    # a second of processor time to import, which the start of every sampler would pay
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    model = LogisticRegression().fit(_features(score, made.image_pairs[recent][kept]), merged)
    best, image_pairs = _open_component_pairs(graph, constraints)
    chance = model.predict_proba(_features(best, image_pairs))[:, 1] if len(best) else np.zeros(0)
    return RemainingEstimate(float(chance.sum()), float((chance * image_pairs).sum()), len(merged))


def estimate_planned(expected: Expected, decisions: Decisions) -> RemainingEstimate:
    """The positives left by a plan's own probabilities, as image pairs like those of recent merges.

    On 100 generated surveys it was off by a factor of 1.6 to 2.3 in merges and of 1.7 to 3.7 in image pairs
    (geometric means at half, 90, 95 and 99 % of the merges). `estimate_remaining` was off by 3 to 50 and 4 to
    370: the pairs that a strategy that learns leaves over are poorer than their fused scores say. Weighing
    each probability by its own image pairs was off by up to 12, since two large components stand for many
    pairs at a tiny chance.
    """
    recent = decisions.image_pairs[decisions.merged][-RECENT_MERGES:]
    image_pairs = float(np.median(recent)) if len(recent) else 1.0
    return RemainingEstimate(expected.merges, expected.merges * image_pairs, len(decisions.merged))


@dataclass(frozen=True, slots=True)
class _Urns:
    """Suffixes of the answers, each with the open pairs an urn; only the longest for each number of merges.

    undrawn: (u,) log share of the urn that the suffix leaves, 0 for no answers. seen: (u,) merges.
    """

    undrawn: Float64Array
    seen: IntArray
    open_component_pairs: int

    @classmethod
    def of(cls, merged: BoolArray, open_component_pairs: int) -> _Urns:
        # a shorter suffix with as many merges says less than the one up to the next merge
        longest = np.append(np.flatnonzero(merged[::-1]), len(merged))
        seen = np.unique(np.linspace(0, len(longest) - 1, URNS).round().astype(np.int64))
        urn = longest[seen] + open_component_pairs
        return cls(np.log(open_component_pairs / np.maximum(urn, 1)), seen, open_component_pairs)

    def bound(self, confidence: float, *, odds: float) -> int:
        """The largest number of merges left that no urn rejects.

        An urn rejects a number if the chance of as few merges as were seen is 1 - confidence or less. The
        chance is the binomial limit of the hypergeometric law, for odds other than 1 of Wallenius': each
        merge is drawn by itself, with the chance 1 - undrawn ** odds. The limit is the larger of the two
        if it is small (Uhlmann 1966), and it takes far less time.
        """
        drawn, seen = -np.expm1(odds * self.undrawn), self.seen
        # a few urns come near the bound, and few others can be below it
        near = _largest(drawn[::FEW], seen[::FEW], self.open_component_pairs, 1.0 - confidence)
        lower = scipy.special.bdtr(seen, seen + near, drawn) <= 1.0 - confidence
        return _largest(drawn[lower], seen[lower], near, 1.0 - confidence)


def _poisson_quantile(chance: float, mean: float) -> int:
    """The least count that a Poisson variable of this mean does not exceed with at least this chance."""
    if not mean:
        return 0
    # the inverse over real counts is off by less than one
    below = max(math.ceil(scipy.special.pdtrik(chance, mean)) - 1, 0)
    return below if scipy.special.pdtr(below, mean) >= chance else below + 1


def _largest(drawn: Float64Array, seen: IntArray, most: int, least_chance: float) -> int:
    """The largest number of merges left, up to `most`, that no urn rejects."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        rejected = bool(np.any(scipy.special.bdtr(seen, seen + middle, drawn) <= least_chance))
        low, high = (low, middle - 1) if rejected else (middle, high)
    return low


def _scores(graph: CandidateGraph, first: IntArray, second: IntArray) -> tuple[Float64Array, BoolArray]:
    """Fused scores of the pairs that the graph holds, and a mask of those pairs."""
    keys, asked = pair_keys(graph.n, graph.first, graph.second), pair_keys(graph.n, first, second)
    if not len(keys):
        return np.zeros(0), np.zeros(len(asked), dtype=np.bool_)
    rows = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
    kept: BoolArray = keys[rows] == asked
    return graph.fused[rows[kept]].astype(np.float64), kept


def _open_component_pairs(graph: CandidateGraph, constraints: Constraints) -> tuple[Float64Array, IntArray]:
    """The highest fused score of each open component pair, and its number of image pairs."""
    rows = np.flatnonzero(open_rows(graph, constraints))
    component = constraints.component_ids()
    size = np.bincount(component, minlength=constraints.items)
    a, b = component[graph.first[rows]], component[graph.second[rows]]
    _, pair = np.unique(pair_keys(constraints.items, a, b), return_inverse=True)
    best = np.full(pair.max(initial=-1) + 1, -np.inf)
    np.maximum.at(best, pair, graph.fused[rows])
    sizes = np.zeros(len(best), dtype=np.int64)
    sizes[pair] = size[a] * size[b]
    return best, sizes


def _features(score: Float64Array, image_pairs: IntArray) -> Float64Array:
    score = np.clip(score, SCORE_FLOOR, 1.0 - SCORE_FLOOR)
    return np.stack((np.log(score / (1.0 - score)), np.log(image_pairs)), axis=1)
