"""Questions to an annotator: a pair, the frames of a burst, or a gallery of candidates.

A burst saves questions because frames of one animal need one answer; a gallery because candidates of one
animal are judged against one image. Both are answered by labels of pairs. Sources and choices:
docs/research/provenance.md.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from spotted.constraints.answers import Answer
from spotted.constraints.interface import Constraints
from spotted.sampling.rounds import Pair, PairQuery

BURST_REASON = "frames of one burst: are they one animal?"
ONE_ANIMAL = "which of these are the same animal as this one?"
LEAST_CANDIDATES = 2  # a gallery of one is a pair


class Kind(enum.IntEnum):
    """Kinds of questions; the values are those of `spotted.v1`.

    >>> pair_question(PairQuery(0, 1, "alike", 0.9)).kind is Kind.PAIR
    True
    """

    PAIR = 1
    BURST = 2
    GALLERY = 3


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    >>> from spotted.constraints import Closure
    >>> queries = [PairQuery(*pair, "alike", 0.9) for pair in ((0, 1), (0, 2), (3, 4))]
    >>> def about(item):
    ...     return [query for query in queries if item in query[:2]]
    >>> for question in galleries(Closure(5), queries, about, size=4):
    ...     print(question.kind.name, question.items)
    GALLERY (0, 1, 2)
    PAIR (3, 4)
    """

    kind: Kind
    items: tuple[int, ...]
    """The pair, the frames of a burst, or an anchor and its candidates."""
    pairs: tuple[PairQuery, ...]
    """The pairs that its answer decides, in the order of the items."""


class Taken:
    """Pairs of components that are being asked about, so that no two questions decide one.

    >>> from spotted.constraints import Closure
    >>> taken = Taken(Closure(4), [(0, 1)])
    >>> taken.free([(0, 1)]), taken.free([(2, 3)])
    (False, True)
    """

    def __init__(self, constraints: Constraints, pairs: Iterable[Pair] = ()) -> None:
        self._constraints = constraints
        self._taken = {self._about(*pair) for pair in pairs}

    def free(self, pairs: Iterable[Pair]) -> bool:
        """True if no pair is about two components that are taken."""
        return not any(self._about(*pair) in self._taken for pair in pairs)

    def take(self, pairs: Iterable[Pair]) -> None:
        """Take the components of these pairs."""
        self._taken.update(self._about(*pair) for pair in pairs)

    def _about(self, first: int, second: int) -> Pair:
        a, b = self._constraints.component_of(first), self._constraints.component_of(second)
        return (a, b) if a < b else (b, a)


def pair_question(query: PairQuery) -> Question:
    """A question about one pair."""
    return Question(Kind.PAIR, (query.first, query.second), (query,))


def burst_questions(
    constraints: Constraints,
    bursts: Iterable[Sequence[int]],
    refused: Collection[frozenset[int]] = frozenset(),
) -> Iterator[Question]:
    """The bursts whose frames may still be one animal, in their order.

    refused: bursts that hold several animals. A burst is left out if two of its frames are known to be two
    animals, or if no frame is open with the first.
    """
    for frames in bursts:
        if frozenset(frames) in refused:
            continue
        first, *others = frames
        pairs = [(min(first, other), max(first, other)) for other in others]
        parts = {constraints.component_of(item): item for item in frames}
        is_open = any(constraints.is_open(*pair) for pair in pairs)
        if is_open and not _apart(constraints, list(parts.values())):
            queries = tuple(PairQuery(*pair, BURST_REASON, 0.0) for pair in pairs)
            yield Question(Kind.BURST, tuple(frames), queries)


def galleries(
    constraints: Constraints,
    planned: Iterable[PairQuery],
    about: Callable[[int], Iterable[PairQuery]],
    size: int,
    *,
    refused: Collection[Pair] = frozenset(),
    taken: Taken | None = None,
) -> Iterator[Question]:
    """The planned queries as galleries of up to `size` candidates, and as pairs if an anchor has only one.

    The anchor of a gallery is the item of the next query whose component has more queries; its other
    candidates are from all queries about that component, in their order.
    planned: open queries, in the order in which they are asked.
    about: the open queries about a component, the likeliest first, such as `RoundQueue.about`.
    refused: pairs (first < second) that are not asked, such as those that the annotator skipped.
    taken: components that are being asked about elsewhere.
    """
    here = Taken(constraints)

    def free(query: PairQuery) -> bool:
        pair = (query.first, query.second)
        return pair not in refused and here.free([pair]) and not (taken and not taken.free([pair]))

    for best in planned:
        if not free(best):
            continue
        sides = []
        for anchor, other in ((best.first, best.second), (best.second, best.first)):
            beside = [query for query in about(constraints.component_of(anchor)) if free(query)]
            sides.append((anchor, _candidates(constraints, anchor, {other: best}, beside, refused)))
        anchor, candidates = max(sides, key=lambda side: len(side[1]))
        shown = list(candidates.items())[:size]
        question = _gallery(anchor, shown) if len(shown) >= LEAST_CANDIDATES else pair_question(best)
        here.take((query.first, query.second) for query in question.pairs)
        yield question


def _apart(constraints: Constraints, items: Sequence[int]) -> bool:
    return any(
        constraints.implied(item, other) is Answer.DIFFERENT
        for index, item in enumerate(items)
        for other in items[index + 1 :]
    )


def _candidates(
    constraints: Constraints,
    anchor: int,
    candidates: dict[int, PairQuery],
    beside: Iterable[PairQuery],
    refused: Collection[Pair],
) -> dict[int, PairQuery]:
    """The items that can be asked about with an anchor, one of each component, and their queries."""
    here = {constraints.component_of(item) for item in candidates}
    for query in beside:
        item = _other(constraints, query, anchor)
        pair = (min(item, anchor), max(item, anchor))
        component = constraints.component_of(item)
        if component not in here and pair not in refused and constraints.is_open(*pair):
            here.add(component)
            candidates[item] = query
    return candidates


def _gallery(anchor: int, shown: Iterable[tuple[int, PairQuery]]) -> Question:
    pairs = tuple(
        PairQuery(min(anchor, item), max(anchor, item), ONE_ANIMAL, query.score, calibrated=query.calibrated)
        for item, query in shown
    )
    others = (query.second if query.first == anchor else query.first for query in pairs)
    return Question(Kind.GALLERY, (anchor, *others), pairs)


def _other(constraints: Constraints, query: PairQuery, anchor: int) -> int:
    """The item of a query that is not in the anchor's component."""
    same = constraints.component_of(query.first) == constraints.component_of(anchor)
    return query.second if same else query.first
