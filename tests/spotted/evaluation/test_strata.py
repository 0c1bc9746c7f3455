from __future__ import annotations

from dataclasses import replace

import numpy as np

from spotted.evaluation.outcomes import RelevantPairs, find_relevant_pairs
from spotted.evaluation.strata import assign_strata
from spotted.survey import DetectionTable, Side
from tests.spotted.surveys import random_table


def division(
    by: str, pairs: RelevantPairs, table: DetectionTable, individuals: list[str]
) -> dict[str, list[int]]:
    (found,) = (one for one in assign_strata(pairs, table, individuals) if one.by == by)
    return {name: np.flatnonzero(mask).tolist() for name, mask in found.masks().items()}


def pair_of(count: int) -> RelevantPairs:
    """Row 0 asks about all others."""
    candidate = np.arange(1, count)
    nobody = np.zeros(count - 1, dtype=np.bool_)
    return RelevantPairs(np.zeros(count - 1, dtype=np.int64), candidate, ~nobody, nobody)


def test_gaps_and_distances_fall_into_the_bins_that_name_them() -> None:
    table = random_table(7, 0)
    hours = np.array([0.0, 1.0, 1.5, 24 * 7, 24 * 7.5, 24 * 31, np.nan])
    metres = np.array([0.0, 0.0, 1.0, 2000.0, 9000.0, 10_001.0, np.nan])
    table = replace(table, time_s=hours * 3600.0, position_m=np.column_stack([metres, np.zeros(7)]))
    assert division("time between", pair_of(7), table, ["a"] * 7) == {
        "up to 1 h": [0],
        "1 h to 1 day": [1],
        "1 to 7 days": [2],
        "7 to 30 days": [3],
        "over 30 days": [4],
        "unknown": [5],
    }
    assert division("distance between cameras", pair_of(7), table, ["a"] * 7) == {
        "same place": [0],
        "up to 2 km": [1, 2],
        "5 to 10 km": [3],
        "over 10 km": [4],
        "unknown": [5],
    }


def test_sides_are_compared() -> None:
    sides = np.array([Side.LEFT, Side.LEFT, Side.RIGHT, Side.FRONT, Side.UNKNOWN])
    table = replace(random_table(5, 0), side=sides)
    assert division("sides shown", pair_of(5), table, ["a"] * 5) == {
        "same": [0],
        "opposite": [1],
        "unknown or overlapping": [2, 3],
    }


def test_animals_are_divided_by_how_often_they_were_photographed() -> None:
    individuals = ["a"] * 2 + ["b"] * 3 + ["c"] * 21 + [""] * 40
    table = random_table(len(individuals), 0)
    pairs = find_relevant_pairs(individuals, [""] * len(individuals), np.full(len(individuals), -1))
    found = division("photographs of the animal", pairs, table, individuals)
    assert {name: len(rows) for name, rows in found.items()} == {"2": 2, "3 to 5": 6, "over 20": 420}


def test_every_pair_is_in_one_stratum_of_each_division() -> None:
    rng = np.random.default_rng(0)
    individuals, encounters = ([str(rng.integers(0, 5)) for _ in range(40)] for _ in range(2))
    table = random_table(40, 1)
    pairs = find_relevant_pairs(individuals, encounters, table.image)
    for one in assign_strata(pairs, table, individuals):
        assert np.sum(list(one.masks().values()), axis=0).tolist() == [1] * len(pairs.query)
