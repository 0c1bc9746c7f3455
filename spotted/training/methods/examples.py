"""The examples of a method: which photographs are the views of one another."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from spotted.arrays import BoolArray, IntArray
from spotted.errors import PreconditionError
from spotted.training.images.batches import Examples
from spotted.training.methods.names import Method
from spotted.training.pairs.temporal import TemporalPairs

ViewKind: TypeAlias = Literal["pairs", "photographs", "both"]
VIEW_KINDS: tuple[ViewKind, ...] = ("pairs", "photographs", "both")


def self_supervised_examples(
    method: Method, pairs: TemporalPairs, usable: BoolArray, kind: ViewKind, *, further: int = 0
) -> Examples:
    """Examples without names.

    pairs: temporal pairs of rows of the photographs.
    usable: (n,) photographs to learn from; a pair needs both.
    kind: "pairs" (the views of an example are the two photographs of a pair), "photographs" (they are
        changed copies of one photograph: self-distillation), or both kinds of examples. A method with more
        than two views takes the two in turn.
    further: views beside those of the method, in turn as well.
    Raises PreconditionError if there is no pair, and pairs were asked for.

    >>> from spotted.training.methods.names import find_method
    >>> nothing = np.zeros(1)
    >>> pairs = TemporalPairs(np.array([0]), np.array([2]), nothing, nothing, nothing > 0, 1, 0)
    >>> usable = np.array([True, False, True])
    >>> self_supervised_examples(find_method("fastsiam"), pairs, usable, "both").rows.tolist()
    [[0, 2, 0, 2], [0, 0, 0, 0], [2, 2, 2, 2]]
    """
    both = np.column_stack([pairs.first, pairs.second])
    both = both[usable[both].all(axis=1)]
    if kind != "photographs" and not len(both):
        raise PreconditionError(
            "no temporal pair is left to learn from; lower the least overlap or the least gap, raise the "
            "largest gap, or learn from single photographs with --views photographs"
        )
    single = np.repeat(np.flatnonzero(usable), 2).reshape(-1, 2)
    chosen = {"pairs": [both], "photographs": [single], "both": [both, single]}[kind]
    rows: IntArray = np.concatenate(chosen)[:, np.arange(method.views + further) % 2].astype(np.int64)
    return Examples(rows, np.full(len(rows), -1))


def supervised_examples(method: Method, labels: IntArray) -> Examples:
    """Examples of each photograph with a class, all views of an example of one photograph.

    labels: (n,), -1 without a class.
    Raises PreconditionError if fewer than two classes are known.
    """
    rows = np.flatnonzero(labels >= 0)
    if len(np.unique(labels[rows])) < len(("one", "other")):
        raise PreconditionError(
            f"{method.title} learns from names, and fewer than two individuals are known; give a survey with "
            "known individuals, or use a self-supervised method"
        )
    return Examples(np.repeat(rows, method.views).reshape(-1, method.views), labels[rows])
