from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spotted.survey import Side
from spotted.training.photographs.labels import label_photographs
from spotted.training.photographs.photograph import Photograph
from spotted.training.photographs.splits import SplitRule, split_photographs


def animals(sizes: list[list[int]], species: str = "lion") -> list[Photograph]:
    """Photographs of animals; for each its encounters with their numbers of photographs."""
    return [
        Photograph(
            "", Path(), name=f"{species}{animal}", species=species, encounter=f"{species}{animal}-{encounter}"
        )
        for animal, encounters in enumerate(sizes)
        for encounter, count in enumerate(encounters)
        for _ in range(count)
    ]


@given(
    st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=14), min_size=1, max_size=25), st.integers(0, 5)
)
def test_a_split_keeps_its_rules(sizes: list[list[int]], seed: int) -> None:
    photographs = animals(sizes)
    labels = label_photographs(photographs)
    split = split_photographs(photographs, labels, SplitRule(test_share=0.5, seed=seed))
    train, test = set(split.train.tolist()), set(split.test.tolist())
    assert not train & test
    # no encounter is in both parts, or twice in the test
    encounters = [[photographs[row].encounter for row in part] for part in (train, test)]
    assert not set(encounters[0]) & set(encounters[1])
    assert len(set(encounters[1])) == len(encounters[1])
    for part, least, most in ((train, 3, 10_000), (test, 2, 10)):
        assert all(least <= n <= most for n in Counter(labels.of[row] for row in part).values())
    tested = {int(labels.of[row]) for row in test}
    assert split.unseen == tested - {int(labels.of[row]) for row in train}
    assert len(tested) <= round(0.5 * len(sizes))


def test_half_of_the_tested_animals_of_each_species_are_new() -> None:
    photographs = animals([[1] * 12] * 20) + animals([[2] * 6] * 10, "leopard")
    labels = label_photographs(photographs)
    split = split_photographs(photographs, labels, SplitRule(test_share=0.4, seed=3))
    tested = {int(labels.of[row]) for row in split.test}
    assert Counter(labels.species[label] for label in tested) == {"lion": 8, "leopard": 4}
    assert Counter(labels.species[label] for label in split.unseen) == {"lion": 4, "leopard": 2}


def test_both_flanks_of_an_animal_are_new_together() -> None:
    photographs = [
        replace(one, side=side)
        for one in animals([[1] * (2 + number % 6) for number in range(60)])
        for side in (Side.LEFT, Side.RIGHT)
        # of some animals hardly any photograph shows the right flank
        if side is Side.LEFT or int(one.name.removeprefix("lion")) % 4 or one.encounter.endswith("-0")
    ]
    labels = label_photographs(photographs, flanks_apart=["lion"])
    split = split_photographs(photographs, labels, SplitRule(test_share=0.5, seed=1))
    new = {labels.animals[label] for label in split.unseen}
    assert len(new) == 15
    assert not new & {photographs[row].name for row in split.train.tolist()}
    tested = Counter(labels.of[split.test].tolist())
    assert min(tested.values()) == 2
    assert {label for label in tested if labels.animals[label] in new} == split.unseen
    seen = {labels.animals[label] for label in tested} - new
    assert seen <= {photographs[row].name for row in split.train.tolist()}


def test_photographs_of_unknown_encounters_are_encounters_by_themselves() -> None:
    photographs = [Photograph("", Path(), name=f"a{index % 4}") for index in range(40)]
    labels = label_photographs(photographs)
    split = split_photographs(photographs, labels, SplitRule(test_share=1.0))
    assert len(split.unseen) == 2
    assert len(split.test) == 2 * 10 + 2 * 5


def test_a_split_of_the_file_is_kept() -> None:
    parts = ["train", "train", "test", "test", ""]
    names = ["a", "a", "a", "b", "b"]
    photographs = [Photograph("", Path(), name=n, split=p) for n, p in zip(names, parts, strict=True)]
    split = split_photographs(photographs, label_photographs(photographs), SplitRule())
    assert (split.train.tolist(), split.test.tolist()) == ([0, 1], [2, 3])
    assert split.unseen == {1}


def test_the_seed_decides() -> None:
    photographs = animals([[1] * 8] * 30)
    labels = label_photographs(photographs)
    first, again, other = (split_photographs(photographs, labels, SplitRule(seed=s)) for s in (1, 1, 2))
    assert np.array_equal(first.test, again.test)
    assert not np.array_equal(first.test, other.test)
