from __future__ import annotations

from pathlib import Path

import click
import pytest

from benchmarks.training.material import Material, read_material
from benchmarks.training.plan import Training
from spotted.survey import Side
from spotted.training import Photograph, SplitRule


def photographs() -> list[Photograph]:
    """Both flanks of 20 nyala at up to eight encounters, and 12 lions with six photographs."""
    nyala = [
        Photograph(
            f"n{animal}-{encounter}-{side.name}",
            Path(),
            name=f"n{animal}",
            species="nyala",
            side=side,
            encounter=f"n{animal}-{encounter}",
        )
        for animal in range(20)
        for encounter in range(2 + animal % 7)
        for side in (Side.LEFT, Side.RIGHT)
    ]
    lions = [Photograph(f"l{number}", Path(), name=f"l{number % 12}", species="lion") for number in range(72)]
    return nyala + lions


MATERIAL = Material.of(photographs(), ["nyala"], SplitRule(0.5))
TESTED = {MATERIAL.photographs[row].photograph_id for row in MATERIAL.split.test.tolist()}
NEW = {MATERIAL.labels.animals[label] for label in MATERIAL.split.unseen}


@pytest.mark.parametrize("method", ["arcface", "simclr"])
def test_nothing_of_the_test_and_of_new_animals_is_learnt_from(method: str) -> None:
    learnt = MATERIAL.photographs_of(Training(("nyala", "lion"), method=method))
    assert {one.species for one in learnt} == {"nyala", "lion"}
    assert not {one.photograph_id for one in learnt} & TESTED
    assert not {one.name.split()[0] for one in learnt} & NEW
    assert all(one.split == "train" for one in learnt)


def test_without_names_more_photographs_are_learnt_from_but_none_of_an_encounter_of_the_test() -> None:
    with_names = MATERIAL.photographs_of(Training(("nyala",)))
    without = MATERIAL.photographs_of(Training(("nyala",), method="simclr"))
    assert {one.photograph_id for one in without} - {one.photograph_id for one in with_names}
    encounters = {MATERIAL.photographs[row].encounter for row in MATERIAL.split.test.tolist()} - {""}
    assert not encounters & {one.encounter for one in without}


def test_few_animals_are_among_those_of_a_larger_number() -> None:
    names = []
    for count in (2, 5, 0):
        learnt = MATERIAL.photographs_of(Training(("nyala", "lion"), count))
        assert {one.name for one in learnt if one.species == "lion"} == set(MATERIAL.animals("lion"))
        names.append({one.name.split()[0] for one in learnt if one.species == "nyala"})
    assert [len(one) for one in names] == [2, 5, len(MATERIAL.animals("nyala"))]
    assert names[0] < names[1] < names[2]


def test_a_folder_without_photographs_is_named(tmp_path: Path) -> None:
    with pytest.raises(click.ClickException, match=r"no photographs in .*nyala/index\.csv"):
        read_material(tmp_path, [], [], SplitRule())
