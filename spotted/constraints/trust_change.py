"""Constraints from all labels by trust; answers that decided at once keep what they decided."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from spotted.constraints.answers import LabelEffect
from spotted.constraints.assumptions import Assumptions, assume
from spotted.constraints.closure import Closure
from spotted.constraints.interface import Constraints
from spotted.constraints.trust import Trust
from spotted.constraints.trust_settings import TrustSettings
from spotted.constraints.verified import GivenLabel, Verified


def verified_from(
    given: Iterable[GivenLabel], count: int, assumed: Assumptions, settings: TrustSettings | None = None
) -> Verified:
    """Constraints over `count` items that weigh answers, and begin with the individuals of a closure.

    given: the labels so far, oldest first. Every decision that they made holds until an answer contradicts
    it. Labels that the closure only stored, because they contradict earlier ones, are asked about again.

    >>> from spotted.constraints import Answer, LabelledPair
    >>> label = LabelledPair("a", 0, 1, Answer.SAME)
    >>> verified_from([(label, "ana", 0.1)], 3, Assumptions()).components()
    [(0, 1), (2,)]
    """
    closure, verified = Closure(count), Verified(count, settings)
    assume(closure, assumed)
    assume(verified, assumed)
    accepted: list[GivenLabel] = []
    contradicted: list[GivenLabel] = []
    for label, annotator_id, probability in given:
        conflicts = closure.apply(label).effect is LabelEffect.CONFLICT
        (contradicted if conflicts else accepted).append((label, annotator_id, probability))
    verified.accept(accepted, contradicted)
    return verified


def fold_labels(
    trust: Trust,
    count: int,
    assumed: Assumptions,
    accepted: Sequence[GivenLabel],
    weighed: Iterable[GivenLabel],
) -> Constraints:
    """Constraints over `count` items after labels, oldest first.

    accepted: the labels given while single answers decided; they decide also if trust is verified now, until
    they are contradicted. weighed: the later ones.
    """
    if trust is Trust.VERIFIED:
        constraints: Constraints = verified_from(accepted, count, assumed)
    else:
        constraints = Closure(count)
        assume(constraints, assumed)
        weighed = [*accepted, *weighed]
    for label, annotator_id, probability in weighed:
        constraints.apply(label, annotator_id, probability)
    return constraints
