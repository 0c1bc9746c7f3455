from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spotted.evaluation.without_answers import (
    NewAnimals,
    measure_grouping,
    measure_new_animals,
    measure_without_answers,
)
from spotted.ranking.gallery import Gallery
from spotted.scoring.similarity import unit_rows
from spotted.survey import Detection
from tests.spotted.surveys import random_gallery

ANIMALS, EACH = 16, 6
COUNT = ANIMALS * EACH
OWNER = np.arange(COUNT) // EACH
NAMES = [f"a{one}" for one in OWNER]


def looking(noise: float) -> Gallery:
    """Animals that look like themselves but for some noise, at unknown places."""
    rng = np.random.default_rng(0)
    looks = np.eye(ANIMALS)[OWNER] + noise * rng.normal(size=(COUNT, ANIMALS))
    gallery = random_gallery(COUNT, 0)
    table = replace(gallery.table, image=np.full(COUNT, -1), time_s=np.full(COUNT, np.nan))
    return replace(gallery, embeddings=unit_rows(looks), table=table, calibration=None)


def test_animals_that_look_only_like_themselves_are_all_found() -> None:
    found = measure_grouping(looking(0.02), NAMES)
    assert (found.adjusted_rand, found.pair_precision, found.pair_recall) == (1.0, 1.0, 1.0)
    new = measure_new_animals(looking(0.02), NAMES, [""] * COUNT, np.random.default_rng(0))
    assert new is not None
    assert (new.known, new.new, new.score) == (1.0, 1.0, 1.0)
    # of 8 known animals half is in the catalogue
    assert new.queries == 6 * (8 * EACH + 8 * EACH // 2)


def test_looks_that_say_nothing_find_nothing() -> None:
    gallery = replace(looking(0.0), embeddings=unit_rows(np.random.default_rng(1).normal(size=(COUNT, 12))))
    assert measure_grouping(gallery, NAMES).adjusted_rand < 0.1
    new = measure_new_animals(gallery, NAMES, [""] * COUNT, np.random.default_rng(0))
    assert new is not None
    assert new.known < 0.3


def test_photographs_of_a_known_encounter_are_not_asked_about() -> None:
    # both encounters of an animal: one is in the catalogue, the other is asked about
    encounters = [f"{owner}-{row % 2}" for row, owner in enumerate(OWNER.tolist())]
    new = measure_new_animals(looking(0.02), NAMES, encounters, np.random.default_rng(0))
    assert new is not None
    assert new.queries == 6 * (8 * EACH + 8 * EACH // 2)
    one_each = [str(owner) for owner in OWNER]
    assert measure_new_animals(looking(0.02), NAMES, one_each, np.random.default_rng(0)) is None


def test_detections_without_an_individual_are_left_out() -> None:
    few = [Detection(f"d{row}", individual_id=NAMES[row] if row < 4 * EACH else "") for row in range(COUNT)]
    found = measure_without_answers(looking(0.02), few, np.random.default_rng(0))
    assert found.grouping.detections == 4 * EACH
    assert found.new_animals is not None
    assert found.new_animals.queries == 6 * (2 * EACH + 2 * EACH // 2)


def test_the_score_is_nothing_if_no_animal_is_new() -> None:
    assert NewAnimals(10, known=0.8, new=0.0).score == 0.0
    assert NewAnimals(10, known=0.64, new=0.25).score == pytest.approx(0.4)
