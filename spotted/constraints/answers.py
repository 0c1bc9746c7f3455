"""Values that constraints take and return: answers, their effects and the decisions made from them."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import NamedTuple

from spotted.arrays import BoolArray, IntArray
from spotted.constraints.explanation import Explanation


class Answer(enum.IntEnum):
    """An annotator's answer to a pair query; the values are those of `spotted.v1`, 0 is unspecified.

    >>> {"y": Answer.SAME, "n": Answer.DIFFERENT}["n"].name
    'DIFFERENT'
    """

    SAME = 1
    DIFFERENT = 2
    NOT_COMPARABLE = 3
    SKIP = 4


class LabelEffect(enum.IntEnum):
    """The effect of one label; the values are those of `spotted.v1`, 0 is unspecified.

    >>> from spotted.constraints import Closure
    >>> constraints = Closure(3)
    >>> same = [constraints.apply(LabelledPair(label_id, 0, 1, Answer.SAME)) for label_id in "ab"]
    >>> [outcome.effect.name for outcome in same]
    ['MERGED', 'IMPLIED']
    """

    MERGED = 1
    """Two components became one."""
    SEPARATED = 2
    """Two components are known to be two individuals from now on."""
    IMPLIED = 3
    """Earlier labels implied this answer."""
    CONFLICT = 4
    """The label contradicts what was accepted, which still stands."""
    CLOSED = 5
    """Only this image pair is closed."""
    PENDING = 6
    """Verified trust: kept as evidence that is not sufficient yet; the two components are asked again."""
    SPLIT = 7
    """Verified trust: the label split a component."""
    REOPENED = 8
    """Verified trust: two separated components are pending again."""
    GONE = 9
    """The survey no longer has one of its detections; the label is kept."""


@dataclass(frozen=True, slots=True)
class LabelledPair:
    """An answer given to one unordered pair of items.

    >>> from spotted.constraints import Closure
    >>> constraints = Closure(3)
    >>> constraints.apply(LabelledPair("a", 0, 2, Answer.SAME)).effect.name
    'MERGED'
    >>> constraints.components()
    [(0, 2), (1,)]
    """

    label_id: str
    first: int
    second: int
    answer: Answer
    certain: bool = False
    """True for SAME or DIFFERENT that a person decided about whole individuals: no answer outweighs it."""


@dataclass(frozen=True, slots=True)
class LabelOutcome:
    """The outcome of one label, as of the moment it was applied.

    >>> from spotted.constraints import Closure
    >>> constraints = Closure(4)
    >>> for label_id, first, second in (("a", 0, 1), ("b", 2, 3)):
    ...     merged = constraints.apply(LabelledPair(label_id, first, second, Answer.SAME))
    >>> constraints.apply(LabelledPair("c", 1, 2, Answer.SAME)).implied_same
    4
    """

    effect: LabelEffect
    implied_same: int = 0
    """Image pairs that became known as SAME, the labelled pair included."""
    implied_different: int = 0
    """Image pairs that became known as DIFFERENT, the labelled pair included."""
    explanation: Explanation | None = None
    """The labels that this one contradicts; None unless `effect` is CONFLICT."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A label that contradicts others, unresolved.

    >>> from spotted.constraints import Closure
    >>> constraints = Closure(2)
    >>> for label_id, answer in (("a", Answer.SAME), ("b", Answer.DIFFERENT)):
    ...     outcome = constraints.apply(LabelledPair(label_id, 0, 1, answer))
    >>> [(one.label.label_id, one.explanation.label_ids) for one in constraints.contradictions]
    [('b', ('a',))]
    """

    label: LabelledPair
    explanation: Explanation
    """The labels that it contradicts."""


class Check(NamedTuple):
    """An image pair to ask again, or instead of one that was asked, to confirm earlier answers.

    >>> from spotted.constraints import Verified
    >>> constraints = Verified(2)
    >>> outcome = constraints.apply(LabelledPair("a", 0, 1, Answer.SAME), "ana", probability=0.3)
    >>> (check,) = constraints.checks("ben", 1)
    >>> check.first, check.second, check.reason.split(";")[0]
    (0, 1, 'confirms that they are the same animal')
    """

    first: int
    second: int
    reason: str
    """Why it is asked, for the annotator to read."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """The labels that merged or separated two components, as columns, oldest first.

    >>> from spotted.constraints import Closure
    >>> constraints = Closure(3)
    >>> for label_id, second, answer in (("a", 1, Answer.SAME), ("b", 2, Answer.DIFFERENT)):
    ...     outcome = constraints.apply(LabelledPair(label_id, 0, second, answer))
    >>> constraints.decisions().merged.tolist(), constraints.decisions().image_pairs.tolist()
    ([True, False], [1, 2])
    """

    first: IntArray
    """(q,) first item of the labelled pair."""
    second: IntArray
    """(q,) second item of the labelled pair."""
    merged: BoolArray
    """(q,) True for SAME."""
    image_pairs: IntArray
    """(q,) product of the sizes that the two components had at that moment."""
