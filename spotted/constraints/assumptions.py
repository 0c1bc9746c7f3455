"""Facts that hold before any label, applied to constraints and checked against one another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from spotted.constraints.components import Pair
from spotted.constraints.interface import Constraints
from spotted.facts.kinds import Fact, Source
from spotted.facts.scope import Scope


@dataclass(frozen=True, slots=True)
class Assumptions:
    """Facts about the items of a session, without labels.

    >>> from spotted.constraints import Closure
    >>> constraints = Closure(3)
    >>> assume(constraints, Assumptions(names={0: "Mvula", 1: "Mvula", 2: "Chipembere"}))
    >>> constraints.components(), constraints.implied(1, 2).name
    ([(0, 1), (2,)], 'DIFFERENT')
    """

    same_image: Sequence[Pair] = ()
    """Pairs that are two animals of one image."""
    names: Mapping[int, str] = field(default_factory=dict)
    """Names to believe, by item."""
    encounters: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """The items of encounters, each one animal."""
    scope: Scope = field(default_factory=Scope)
    """The image pairs that may be asked."""
    gone: Collection[int] = ()
    """Items that are no longer there; no other assumption names them."""
    only_joining: frozenset[str] = frozenset()
    """Names that join their items, but do not tell them from items of other names."""


def assume(constraints: Constraints, assumed: Assumptions) -> None:
    """Apply assumptions to constraints that have no label yet.

    Images come before names, and names before encounters. The facts that earlier ones contradict are left
    out, and kept as `refused_facts`: a name of two animals of one image, an encounter of two names.
    """
    constraints.restrict(assumed.scope)
    constraints.retire(assumed.gone)
    for first, second in assumed.same_image:
        constraints.forbid(first, second)
    constraints.name({i: name for i, name in assumed.names.items() if name not in assumed.only_joining})
    named: defaultdict[str, list[int]] = defaultdict(list)
    for item, name in sorted(assumed.names.items()):
        named[name].append(item)
    refused: list[Fact] = []
    for source, groups in ((Source.KNOWN, named), (Source.ENCOUNTER, assumed.encounters)):
        for name, items in sorted(groups.items()):
            refused += _join_all(constraints, source, name, items)
    constraints.refused_facts = tuple(refused)


def _join_all(constraints: Constraints, source: Source, name: str, items: Sequence[int]) -> list[Fact]:
    """Join items with the first of them, or with the first that they can be one animal with.

    A star, so that no chain needs more than two links. Returns the facts that contradict earlier ones.
    """
    refused: list[Fact] = []
    centres = [items[0]]
    for item in items[1:]:
        facts = [Fact(source, centre, item, (name,)) for centre in centres]
        joined = next((number for number, fact in enumerate(facts) if constraints.join(fact)), None)
        if joined != 0:
            refused.append(facts[0])
        if joined is None:
            centres.append(item)
    return refused
