"""Values that constraints take and return: answers, their effects and the decisions made from them."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import NamedTuple

from spotted.arrays import BoolArray, IntArray
from spotted.constraints.explanation import Explanation


class Answer(enum.IntEnum):
    """An annotator's answer to a pair query; the values are those of `spotted.v1`, 0 is unspecified."""

    SAME = 1
    DIFFERENT = 2
    NOT_COMPARABLE = 3
    SKIP = 4


class LabelEffect(enum.IntEnum):
    """The effect of one label; the values are those of `spotted.v1`, 0 is unspecified."""

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


@dataclass(frozen=True, slots=True)
class LabelledPair:
    """An answer given to one unordered pair of items."""

    label_id: str
    first: int
    second: int
    answer: Answer
    certain: bool = False
    """True for SAME or DIFFERENT that a person decided about whole individuals: no answer outweighs it."""


@dataclass(frozen=True, slots=True)
class LabelOutcome:
    """The outcome of one label, as of the moment it was applied."""

    effect: LabelEffect
    implied_same: int = 0
    """Image pairs that became known as SAME, the labelled pair included."""
    implied_different: int = 0
    """Image pairs that became known as DIFFERENT, the labelled pair included."""
    explanation: Explanation | None = None
    """The labels that this one contradicts; None unless `effect` is CONFLICT."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A label that contradicts others, unresolved."""

    label: LabelledPair
    explanation: Explanation
    """The labels that it contradicts."""


class Check(NamedTuple):
    """An image pair to ask again, or instead of one that was asked, to confirm earlier answers."""

    first: int
    second: int
    reason: str
    """Why it is asked, for the annotator to read."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """The labels that merged or separated two components, as columns, oldest first."""

    first: IntArray
    """(q,) first item of the labelled pair."""
    second: IntArray
    """(q,) second item of the labelled pair."""
    merged: BoolArray
    """(q,) True for SAME."""
    image_pairs: IntArray
    """(q,) product of the sizes that the two components had at that moment."""
