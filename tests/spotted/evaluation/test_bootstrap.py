from __future__ import annotations

import math

import numpy as np
import pytest

from spotted.evaluation.bootstrap import Bootstrap


def bootstrap(animal: np.ndarray, *, repeats: int = 1000, seed: int = 0) -> Bootstrap:
    return Bootstrap.of(animal, np.arange(len(animal)), np.random.default_rng(seed), repeats=repeats)


def test_one_query_for_each_animal_gives_the_interval_of_the_mean() -> None:
    rng = np.random.default_rng(1)
    values = rng.random((400, 1))
    (found,) = bootstrap(np.arange(400), repeats=4000).intervals(np.arange(400), values)
    half = 1.96 * values.std() / math.sqrt(400)
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(found.value - half, abs=0.1 * half)
    assert found.high == pytest.approx(found.value + half, abs=0.1 * half)


def test_queries_of_one_animal_that_agree_count_as_one() -> None:
    rng = np.random.default_rng(2)
    values = rng.random((50, 1))
    few = bootstrap(np.arange(50)).intervals(np.arange(50), values)
    animal = np.repeat(np.arange(50), 20)
    many = bootstrap(animal).intervals(np.arange(1000), np.repeat(values, 20, axis=0))
    assert (few[0].low, few[0].high) == pytest.approx((many[0].low, many[0].high))


def test_a_resample_is_that_of_a_plain_loop() -> None:
    rng = np.random.default_rng(3)
    animal = rng.integers(0, 6, 40)
    values = rng.random((40, 2))
    made = bootstrap(animal, repeats=60)
    means = [np.average(values, axis=0, weights=[times[a] for a in animal]) for times in made.drawn]
    low, high = np.quantile(means, [0.025, 0.975], axis=0)
    found = made.intervals(np.arange(40), values)
    assert [one.low for one in found] == pytest.approx(low.tolist())
    assert [one.high for one in found] == pytest.approx(high.tolist())


def test_too_few_animals_have_a_mean_and_no_interval() -> None:
    (found,) = bootstrap(np.array([0, 0, 1])).intervals(np.arange(3), np.array([[1.0], [0.0], [0.5]]))
    assert found.value == pytest.approx(0.5)
    assert math.isnan(found.low)
    assert math.isnan(found.high)


def test_no_query_has_no_mean() -> None:
    (found,) = bootstrap(np.array([0, 1])).intervals(np.empty(0, np.int64), np.empty((0, 1)))
    assert math.isnan(found.value)
