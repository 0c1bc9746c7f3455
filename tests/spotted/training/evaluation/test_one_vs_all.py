from __future__ import annotations

import numpy as np
import pytest

from spotted.arrays import Float32Array
from spotted.scoring import unit_rows
from spotted.training.evaluation.one_vs_all import measure_by_species
from spotted.training.photographs.labels import Labels

OF = np.array([0, 0, 0, 1, 1, 2, 3, 3, -1], dtype=np.int64)
LABELS = Labels(tuple("abcd"), ("lion", "lion", "lion", "nyala"), tuple("abcd"), OF)


def vectors() -> Float32Array:
    return unit_rows(np.abs(np.random.default_rng(1).normal(size=(9, 4))))


def test_measures_are_those_of_a_plain_loop_in_each_species() -> None:
    looks = vectors()
    lion, nyala = measure_by_species(looks, LABELS, range(9))
    assert (lion.species, lion.photographs, lion.individuals, lion.queries) == ("lion", 6, 3, 5)
    assert (nyala.species, nyala.queries, nyala.top["1"]) == ("nyala", 2, 1.0)
    hits, precisions = [], []
    for query in range(5):
        order = sorted((row for row in range(6) if row != query), key=lambda row: -looks[query] @ looks[row])
        right = [OF[row] == OF[query] for row in order]
        hits.append(right[0])
        ranks = [rank for rank, same in enumerate(right, start=1) if same]
        precisions.append(np.mean([(found + 1) / rank for found, rank in enumerate(ranks)]))
    assert lion.top["1"] == pytest.approx(np.mean(hits))
    assert lion.mean_average_precision == pytest.approx(np.mean(precisions))


def test_rows_choose_the_photographs_and_their_encounters_can_be_left_out() -> None:
    looks = vectors()[[0, 1, 2]]
    (found,) = measure_by_species(looks, LABELS, [0, 1, 2], encounters=["e", "e", "f"])
    assert (found.photographs, found.queries) == (3, 3)
    assert measure_by_species(looks[:2], LABELS, [0, 1], encounters=["e", "e"]) == ()
