"""The values that constraints take and return: answers, their effects and the decisions made of them."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from spotted.arrays import BoolArray, IntArray
from spotted.constraints.explanation import Explanation


class Answer(enum.IntEnum):
    """What an annotator answers to a pair query; the values are those of `spotted.v1`, 0 is unspecified."""

    SAME = 1
    DIFFERENT = 2
    NOT_COMPARABLE = 3
    SKIP = 4


class Effect(enum.Enum):
    """What a label does to the constraints."""

    MERGED = "merged two components"
    SEPARATED = "separated two components"
    ALREADY_IMPLIED = "was implied by earlier labels"
    CONTRADICTS = "contradicts earlier labels and is not applied"
    PAIR_CLOSED = "closes this pair of images and nothing else"


@dataclass(frozen=True, slots=True)
class LabelledPair:
    """An answer given to one unordered pair of items."""

    label_id: str
    first: int
    second: int
    answer: Answer


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one label did.

    implied_same, implied_different: number of image pairs whose answer is known since this label, its own
    included.
    explanation: why the label contradicts, None where it does not.
    """

    effect: Effect
    implied_same: int = 0
    implied_different: int = 0
    explanation: Explanation | None = None


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A label that was kept but not applied, with the earlier labels that it contradicts."""

    label: LabelledPair
    explanation: Explanation


@dataclass(frozen=True, slots=True)
class Decisions:
    """The labels that merged or separated two components, as columns, oldest first.

    first, second: (q,) the labelled pair.
    merged: (q,) True for SAME.
    image_pairs: (q,) product of the sizes that the two components had then.
    """

    first: IntArray
    second: IntArray
    merged: BoolArray
    image_pairs: IntArray
