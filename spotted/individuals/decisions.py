"""Decisions about whole individuals as statements about pairs, and the labels that stand against them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from spotted.constraints.answers import Answer, LabelledPair
from spotted.constraints.interface import Constraints

Pair = tuple[int, int]
# rounds of tying pieces together before a decision is given up
ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Parts:
    """The individuals that a person wants: each part one animal."""

    items: tuple[frozenset[int], ...]
    """The items of each part; no item is in two."""
    anchors: tuple[int, ...]
    """The item of each part that stands for it."""
    apart: tuple[Pair, ...] = ()
    """The indices of parts that are two animals."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision as statements about pairs of items, which hold whatever labels say.

    >>> Decision(same=((0, 4),), different=(), superseded=("7-1",)).unmet is None
    True
    """

    same: tuple[Pair, ...]
    """Pairs that are one animal."""
    different: tuple[Pair, ...]
    """Pairs that are two animals."""
    superseded: tuple[str, ...]
    """The labels that say otherwise, in their order."""
    unmet: Pair | None = None
    """The first of its pairs that cannot hold, for instance as one image shows both; None if all hold."""


def decide(
    parts: Parts,
    labels: Iterable[LabelledPair],
    constraints: Constraints,
    replay: Callable[[Collection[str], Sequence[LabelledPair]], Constraints],
    *,
    against_facts: bool = False,
) -> Decision:
    """The decision that makes each part one individual and keeps those apart that are two animals.

    labels: all that stand. constraints: that follow from them. replay: makes the constraints without some
    labels, named by their ids, and with further ones. against_facts: what `replay` makes differs from
    `constraints` by facts that the decision supersedes.
    Only as much is stated as the other labels leave open: a part of several pieces is tied together by one
    pair for each further piece.
    """
    superseded = tuple(_against(parts, labels, constraints))
    different = tuple((parts.anchors[first], parts.anchors[second]) for first, second in parts.apart)
    if not superseded and not different and not against_facts:
        # nothing to replay: no label stands against it
        joining = _loose(parts, constraints)
        apart = [pair for pair in joining if constraints.implied(*pair) is Answer.DIFFERENT]
        return Decision(tuple(joining), (), (), apart[0] if apart else None)
    same: list[Pair] = []
    trial = replay(superseded, _certain(same, different))
    # labels that the superseded ones contradicted may apply again, and leave other pieces than before
    for _ in range(ATTEMPTS):
        loose = _loose(parts, trial)
        if not loose:
            break
        same += loose
        trial = replay(superseded, _certain(same, different))
    unmet = _loose(parts, trial) or [p for p in different if trial.implied(*p) is not Answer.DIFFERENT]
    return Decision(tuple(same), different, superseded, unmet[0] if unmet else None)


def holds(constraints: Constraints, labels: Iterable[LabelledPair]) -> LabelledPair | None:
    """The first certain label that the constraints do not follow; None if they follow all."""
    certain = (label for label in labels if label.certain)
    return next(
        (one for one in certain if constraints.implied(one.first, one.second) is not one.answer), None
    )


def _against(parts: Parts, labels: Iterable[LabelledPair], constraints: Constraints) -> Iterable[str]:
    """The labels that join two parts, or that part what was not one individual and is to be one."""
    part_of = {item: index for index, items in enumerate(parts.items) for item in items}
    for label in labels:
        first, second = part_of.get(label.first), part_of.get(label.second)
        if first is None or second is None:
            continue
        joined = constraints.component_of(label.first) == constraints.component_of(label.second)
        if (label.answer is Answer.SAME and first != second) or (
            label.answer is Answer.DIFFERENT and first == second and not joined
        ):
            yield label.label_id


def _loose(parts: Parts, trial: Constraints) -> list[Pair]:
    """The anchor of a part with the lowest item of each piece of the part that is not one with it."""
    pairs: list[Pair] = []
    for items, anchor in zip(parts.items, parts.anchors, strict=True):
        lowest: dict[int, int] = {}
        for item in sorted(items):
            lowest.setdefault(trial.component_of(item), item)
        lowest.pop(trial.component_of(anchor), None)
        pairs += [(anchor, item) for item in lowest.values()]
    return pairs


def _certain(same: Iterable[Pair], different: Iterable[Pair]) -> list[LabelledPair]:
    return [
        LabelledPair("", *pair, answer, certain=True)
        for pairs, answer in ((same, Answer.SAME), (different, Answer.DIFFERENT))
        for pair in pairs
    ]
