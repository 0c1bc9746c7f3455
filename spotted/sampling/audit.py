"""A random audit: a bound on the matches among pairs that were never asked, from pairs drawn at random.

Annotation asks the likeliest pairs, so that its own answers say little about the others. Component pairs
drawn uniformly among all open ones need no assumption but right answers, and only they certify more than
0.98 of the merges. Zero positives in n audits of R open pairs leave at most about
3R/n (rule of three). Searching all other components for random ones takes about twice as many pairs for the
same bound, since all merges that are missed may be parts of one individual. Sources and choices:
docs/research/provenance.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice

import numpy as np
import scipy

from spotted.arrays import IntArray
from spotted.constraints.components import ordered
from spotted.constraints.interface import Constraints
from spotted.errors import InvalidInputError
from spotted.sampling.rounds import Pair

# if too few of the pairs drawn are open, this many times as many are drawn, up to the most
GROWTH, MOST_DRAWN = 4, 1_000_000


def draw(
    constraints: Constraints,
    rng: np.random.Generator,
    count: int,
    excluding: Collection[Pair] = frozenset(),
) -> tuple[Pair, ...]:
    """Image pairs of up to `count` distinct open component pairs, all equally likely, in the order drawn.

    Each represents its component pair by one image of either side, drawn at random among the image pairs that
    are open and not in `excluding` (first < second). A component pair without any, such as two images that
    cannot be compared, is left out: an audit says nothing about it.
    Plan the whole audit before its first answer, with `Constraints.open_component_pairs` of that moment, and
    count pairs whose answers came to be implied like those that were asked.
    """
    component = constraints.component_ids()
    order = np.argsort(component, kind="stable")
    # a session that is limited to some detections asks about no other
    order = order[constraints.askable_items()[order]]
    ids, starts = np.unique(component[order], return_index=True)
    members = np.split(order, starts[1:])
    chosen = (
        _image_pair(constraints, members[lower], members[higher], rng, excluding)
        for lower, higher in _open_components(constraints, ids, rng, count + len(excluding))
    )
    return tuple(islice((pair for pair in chosen if pair is not None), count))


def bound(audited: int, hits: int, open_pairs: int, *, confidence: float = 0.95) -> int:
    """Most open pairs that are one individual besides the hits, at the given confidence.

    audited, hits: answers of the audit, and the number of SAME among them. open_pairs: open component pairs
    when it was drawn. The exact one-sided bound of draws without replacement (the hypergeometric
    Clopper-Pearson bound): the largest number of positives that gives at most `hits` a chance above
    1 - confidence. It bounds the merges that are left as well, since each joins a pair that is one
    individual. It holds for an audit whose size was chosen beforehand, not for one that goes on
    until the bound pleases.

    >>> bound(3_000, 0, 1_000_000)
    996

    Raises InvalidInputError if the counts do not fit each other.
    """
    _check(audited, hits, open_pairs, confidence)
    low, high = hits, open_pairs - audited + hits
    while low < high:
        middle = (low + high + 1) // 2
        rejected = _chance(hits, open_pairs, middle, audited) <= 1.0 - confidence
        low, high = (low, middle - 1) if rejected else (middle, high)
    return low - hits


def _open_components(
    constraints: Constraints, ids: IntArray, rng: np.random.Generator, count: int
) -> Iterator[tuple[int, int]]:
    """Open pairs of components by their indices in ids, in a uniformly random order, each once."""
    every = len(ids) * (len(ids) - 1) // 2
    seen: set[int] = set()
    # as many spare ones as may turn out to be separated or without an open image pair
    wanted = count + len(constraints.separations()) + len(constraints.closed_pairs())
    while len(seen) < min(every, MOST_DRAWN):
        # names and flanks may close most pairs: if too few were open, more are drawn
        drawn = rng.choice(every, min(every, wanted), replace=False)
        lower, higher = _pair_of(drawn)
        is_open = ~constraints.separated_rows(ids[lower], ids[higher])
        for row in np.flatnonzero(is_open).tolist():
            if drawn[row] not in seen:
                yield int(lower[row]), int(higher[row])
        seen.update(drawn.tolist())
        wanted *= GROWTH


def _pair_of(number: IntArray) -> tuple[IntArray, IntArray]:
    """The pairs with these numbers; the root of a square is exact in float64."""
    higher = ((1.0 + np.sqrt(1.0 + 8.0 * number)) / 2.0).astype(np.int64)
    return number.astype(np.int64) - higher * (higher - 1) // 2, higher


def _image_pair(
    constraints: Constraints,
    ours: IntArray,
    theirs: IntArray,
    rng: np.random.Generator,
    excluding: Collection[Pair],
) -> Pair | None:
    """An image pair of two components that may be asked; None if there is none."""

    def askable(first: int, second: int) -> bool:
        return constraints.is_open(first, second) and (first, second) not in excluding

    pair = ordered(int(rng.choice(ours)), int(rng.choice(theirs)))
    if askable(*pair):
        return pair
    others = [ordered(a, b) for a in ours.tolist() for b in theirs.tolist()]
    left = [other for other in others if askable(*other)]
    return left[int(rng.integers(len(left)))] if left else None


def _chance(hits: int, open_pairs: int, positives: int, audited: int) -> float:
    """The chance of at most `hits`; 0 if there cannot be that many positives."""
    return (
        float(scipy.stats.hypergeom.cdf(hits, open_pairs, positives, audited))
        if positives <= open_pairs
        else 0.0
    )


def _check(audited: int, hits: int, open_pairs: int, confidence: float) -> None:
    if not 0 <= hits <= audited <= open_pairs:
        raise InvalidInputError(
            f"{hits} hits in {audited} audits of {open_pairs} open pairs; hits are among the audits, and "
            "audits among the pairs that were open when they were drawn"
        )
    if not 0.0 < confidence < 1.0:
        raise InvalidInputError(f"confidence {confidence} is not between 0 and 1", field="confidence")
