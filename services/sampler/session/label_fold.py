"""Constraints made from all labels of a session, by its trust."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from spotted.constraints.assumptions import Assumptions, assume
from spotted.constraints.closure import Closure
from spotted.constraints.interface import Constraints
from spotted.constraints.trust import Trust
from spotted.constraints.trust_change import verified_from
from spotted.constraints.verified import GivenLabel


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
