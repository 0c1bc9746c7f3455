"""Known names and encounters that stand against what a person decides about individuals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from spotted.facts.kinds import Fact, Source
from spotted.individuals.decisions import Parts


def facts_against(
    parts: Parts,
    leaving: frozenset[int],
    names: Mapping[int, str],
    encounters: Mapping[str, Sequence[int]],
) -> tuple[Fact, ...]:
    """The facts that a decision supersedes.

    parts: the individuals that the person wants. leaving: items that a split or a move takes from their
    individual; they come second in the facts, and give way. names, encounters: those that are believed.

    >>> merged = Parts((frozenset({0, 1}),), (0,))
    >>> facts_against(merged, frozenset(), {0: "Mvula", 1: "Nandi"}, {})[0].names
    ('Mvula', 'Nandi')
    >>> split = Parts((frozenset({0}), frozenset({1})), (0, 1), ((0, 1),))
    >>> facts_against(split, frozenset({1}), {0: "Mvula", 1: "Mvula"}, {})[0].same
    True
    """
    found = [*_of_names(parts, leaving, names), *_of_encounters(parts, leaving, encounters)]
    return tuple(found if leaving else _between_names(parts, names))


def _between_names(parts: Parts, names: Mapping[int, str]) -> Iterator[Fact]:
    """Each further name of a part with that of its anchor, or with its first one."""
    for items, anchor in zip(parts.items, parts.anchors, strict=True):
        first_of: dict[str, int] = {}
        for item in sorted(items, key=lambda item: (item != anchor, item)):
            if item in names:
                first_of.setdefault(names[item], item)
        (base, item), *others = first_of.items() or [("", anchor)]
        yield from (Fact(Source.KNOWN, item, other, (base, name)) for name, other in others)


def _of_names(parts: Parts, leaving: frozenset[int], names: Mapping[int, str]) -> Iterator[Fact]:
    """One fact for each leaving item whose name stays behind, or is another than that of where it goes."""
    for items in parts.items:
        named = [item for item in sorted(items, key=lambda item: (item in leaving, item)) if item in names]
        behind = {
            names[item]: item for part in parts.items if part is not items for item in part if item in names
        }
        stays = named[0] if named else None
        for item in named:
            if item not in leaving:
                continue
            if names[item] in behind:
                yield Fact(Source.KNOWN, behind[names[item]], item, (names[item],))
            elif stays is not None and names[stays] != names[item]:
                yield Fact(Source.KNOWN, stays, item, (names[stays], names[item]))


def _of_encounters(
    parts: Parts, leaving: frozenset[int], encounters: Mapping[str, Sequence[int]]
) -> Iterator[Fact]:
    """One fact for each leaving item whose encounter stays behind."""
    part_of = {item: number for number, items in enumerate(parts.items) for item in items}
    for encounter, members in encounters.items():
        for item in sorted(leaving.intersection(members)):
            behind = [m for m in members if m in part_of and part_of[m] != part_of[item]]
            if behind:
                yield Fact(Source.ENCOUNTER, min(behind), item, (encounter,))
