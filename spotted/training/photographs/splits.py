"""Photographs divided into those to train with and those to test with (MiewID 3.3).

Half of the test animals occur in training too, with photographs of other encounters; the others are new.
If the flanks of an animal are different individuals, they are still drawn together: of an animal that is new,
training sees neither flank.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spotted.arrays import IntArray
from spotted.training.photographs.labels import Labels
from spotted.training.photographs.photograph import Photograph


@dataclass(frozen=True, slots=True)
class SplitRule:
    """How photographs are divided."""

    test_share: float = 0.2
    """Share of the animals of each species to test with."""
    unseen_share: float = 0.5
    """Share of the test animals of which no photograph is in training."""
    least_in_training: int = 3
    """Fewest photographs of an animal in training."""
    least_in_test: int = 2
    """Fewest photographs of an animal in the test, each of another encounter."""
    most_in_test: int = 10
    """Most photographs of an animal in the test."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Split:
    """Rows of photographs to train and to test with."""

    train: IntArray
    """Rows in ascending order."""
    test: IntArray
    """Rows in ascending order, at most one of each encounter of an animal."""
    unseen: frozenset[int]
    """Classes of the test that are not in training."""


def split_photographs(photographs: Sequence[Photograph], labels: Labels, rule: SplitRule) -> Split:
    """Divide photographs; those without a class, and animals with too few photographs, are in neither part.

    If photographs say which part they are of, that is kept.
    """
    rows_of: defaultdict[int, list[int]] = defaultdict(list)
    for row, label in enumerate(labels.of.tolist()):
        if label >= 0:
            rows_of[label].append(row)
    if any(photograph.split for photograph in photographs):
        return _given(photographs, rows_of)
    rng = np.random.default_rng(rule.seed)
    train: list[int] = []
    test: list[int] = []
    unseen: set[int] = set()
    for of_species in _by_species(rows_of, labels):
        for label, part in _draw(photographs, of_species, labels, rule, rng).items():
            rows = of_species[label]
            kept, tested = rows, list[int]()
            if part == "seen" and _can_be_divided(photographs, rows, rule):
                kept, tested = _divide(photographs, rows, rule, rng)
            elif part == "unseen":
                kept, tested = [], _one_each(photographs, rows, rng)[: rule.most_in_test]
                unseen.add(label)
            train += kept if len(kept) >= rule.least_in_training else []
            test += tested if len(tested) >= rule.least_in_test else []
    tested_classes = set(labels.of[test].tolist())
    return Split(_ordered(train), _ordered(test), frozenset(unseen & tested_classes))


_Rows = dict[int, list[int]]


def _given(photographs: Sequence[Photograph], rows_of: _Rows) -> Split:
    parts = {
        part: {
            label: [row for row in rows if photographs[row].split == part] for label, rows in rows_of.items()
        }
        for part in ("train", "test")
    }
    unseen = {label for label, rows in parts["test"].items() if rows and not parts["train"][label]}
    train, test = (_ordered([row for rows in part.values() for row in rows]) for part in parts.values())
    return Split(train, test, frozenset(unseen))


def _by_species(rows_of: _Rows, labels: Labels) -> list[_Rows]:
    grouped: defaultdict[str, _Rows] = defaultdict(dict)
    for label in sorted(rows_of):
        grouped[labels.species[label]][label] = rows_of[label]
    return [grouped[species] for species in sorted(grouped)]


def _draw(
    photographs: Sequence[Photograph],
    rows_of: _Rows,
    labels: Labels,
    rule: SplitRule,
    rng: np.random.Generator,
) -> dict[int, str]:
    """The part of each class of a species by that of its animal: "train", "seen" or "unseen"."""
    classes: defaultdict[str, list[int]] = defaultdict(list)
    for label in rows_of:
        classes[labels.animals[label]].append(label)
    enough = [
        animal
        for animal, own in classes.items()
        if any(len(_encounters(photographs, rows_of[label])) >= rule.least_in_test for label in own)
    ]
    wanted = round(rule.test_share * len(classes))
    unseen = round(rule.unseen_share * wanted)
    order = [enough[index] for index in rng.permutation(len(enough))]
    # animals with many encounters can be in both parts
    divisible = [
        animal
        for animal in order
        if any(_can_be_divided(photographs, rows_of[label], rule) for label in classes[animal])
    ]
    both = divisible[: wanted - unseen]
    new = [animal for animal in order if animal not in both][:unseen]
    part_of = dict.fromkeys(both, "seen") | dict.fromkeys(new, "unseen")
    return {label: part_of.get(labels.animals[label], "train") for label in rows_of}


def _can_be_divided(photographs: Sequence[Photograph], rows: Sequence[int], rule: SplitRule) -> bool:
    sizes = sorted(len(group) for group in _encounters(photographs, rows))
    # the smallest encounters are tested
    return len(sizes) > rule.least_in_test and sum(sizes[rule.least_in_test :]) >= rule.least_in_training


def _divide(
    photographs: Sequence[Photograph], rows: Sequence[int], rule: SplitRule, rng: np.random.Generator
) -> tuple[list[int], list[int]]:
    """Rows of an animal to train and to test with, of different encounters: at most half of them tested."""
    groups = sorted(_encounters(photographs, rows), key=len)
    count = min(max(len(groups) // 2, rule.least_in_test), rule.most_in_test)
    while sum(map(len, groups[count:])) < rule.least_in_training:
        count -= 1
    tested = [group[rng.integers(len(group))] for group in groups[:count]]
    return [row for group in groups[count:] for row in group], tested


def _one_each(photographs: Sequence[Photograph], rows: Sequence[int], rng: np.random.Generator) -> list[int]:
    groups = _encounters(photographs, rows)
    return [groups[index][rng.integers(len(groups[index]))] for index in rng.permutation(len(groups))]


def _encounters(photographs: Sequence[Photograph], rows: Sequence[int]) -> list[list[int]]:
    """The rows of each encounter; a photograph of an unknown encounter is one by itself."""
    groups: defaultdict[object, list[int]] = defaultdict(list)
    for row in rows:
        groups[photographs[row].encounter or row].append(row)
    return list(groups.values())


def _ordered(rows: list[int]) -> IntArray:
    return np.array(sorted(rows), dtype=np.int64)
