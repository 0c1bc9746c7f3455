from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from spotted.arrays import Float32Array, Float64Array, IntArray
from spotted.sampling.strategies import appearance as module
from spotted.sampling.strategies.appearance import (
    GUESS_PAIRS,
    LEAST_RATIO,
    LEAST_VARIANCE,
    STATION_PULL,
    Appearance,
    fitted,
    guessed_spread,
    looks,
    views,
)

ANIMALS = 40


def unit(rows: Float64Array) -> Float32Array:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def planted(
    seed: int, *, animals: int = ANIMALS, dimensions: int = 6
) -> tuple[Float64Array, IntArray, IntArray]:
    """Views with unit noise, flanks of variance 1 and animals of variance 3; their animals and sides."""
    rng = np.random.default_rng(seed)
    animal, side = np.repeat(np.arange(animals), 4), np.tile([0, 0, 1, 1], animals)
    shared = np.sqrt(3.0) * rng.normal(size=(animals, dimensions))
    flank = rng.normal(size=(2 * animals, dimensions))
    return (
        shared[animal] + flank[2 * animal + side] + rng.normal(size=(len(animal), dimensions)),
        animal,
        side,
    )


def covariance(side: IntArray, shared: float, flank: float) -> Float64Array:
    """Covariance of views of one animal in one direction."""
    one_flank = (side[:, None] == side[None, :]).astype(np.float64)
    return np.asarray(np.eye(len(side)) + flank * one_flank + shared, dtype=np.float64)


def log_density(seen: Float64Array, side: IntArray, shared: Float64Array, flank: Float64Array) -> float:
    """Log density of views (v, d) of one animal, direction by direction."""
    return sum(
        float(multivariate_normal.logpdf(column, np.zeros(len(side)), covariance(side, float(a), float(f))))
        for column, a, f in zip(seen.T, shared, flank, strict=True)
    )


def model(
    seen: Float64Array, component: IntArray, side: IntArray, shared: Float64Array, flank: Float64Array
) -> Appearance:
    """With variances that are given, not fitted."""
    components, sides = int(component.max()) + 1, int(side.max()) + 1
    number, total = np.zeros((components, sides)), np.zeros((components, sides, seen.shape[1]))
    np.add.at(number, (component, side), 1.0)
    np.add.at(total, (component, side), seen)
    return Appearance(shared, flank, number, total, module._evidence(number, total, shared, flank))


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 2), min_size=1, max_size=4),
    st.lists(st.integers(0, 2), min_size=1, max_size=4),
    st.integers(0, 99),
)
def test_log_ratio_is_that_of_the_joint_normal_densities(
    left: list[int], right: list[int], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    shared, flank = rng.uniform(0.01, 4.0, (2, 3))
    side, component = np.array(left + right), np.repeat([0, 1], [len(left), len(right)])
    seen = 2.0 * rng.normal(size=(len(side), 3))
    together = log_density(seen, side, shared, flank)
    apart = sum(log_density(seen[component == c], side[component == c], shared, flank) for c in (0, 1))
    ratio = model(seen, component, side, shared, flank).log_ratio(np.array([0]), np.array([1]))
    assert ratio == pytest.approx([together - apart], rel=1e-9, abs=1e-9)


def test_evidence_is_relative_to_noise_only() -> None:
    rng = np.random.default_rng(0)
    shared, flank, side = np.array([2.0, 0.5]), np.array([0.3, 1.0]), np.array([0, 0, 1, 2, 2])
    seen = rng.normal(size=(5, 2))
    noise = float(multivariate_normal.logpdf(seen.ravel(), np.zeros(10)))
    alone = model(seen, np.zeros(5, dtype=np.int64), side, shared, flank).single
    assert alone == pytest.approx([log_density(seen, side, shared, flank) - noise])


def test_two_that_have_shown_nothing_are_as_likely_one_as_two() -> None:
    none = np.zeros((2, 1)), np.zeros((2, 1, 3))
    variance = np.ones(3)
    unseen = Appearance(variance, variance, *none, module._evidence(*none, variance, variance))
    assert unseen.log_ratio(np.array([0]), np.array([1])).tolist() == [0.0]


def fitted_to(seen: Float64Array, component: IntArray, side: IntArray, *, sides: int = 2) -> Appearance:
    shown = views(seen, component, side, np.arange(len(seen)))
    return fitted(shown, int(component.max()) + 1, sides, np.cov(seen.T) / 4)


def test_log_ratio_is_symmetric_and_needs_no_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    found = fitted_to(*planted(1))
    first, second = np.triu_indices(ANIMALS, 1)
    whole = found.log_ratio(first, second)
    assert found.log_ratio(second, first) == pytest.approx(whole)
    monkeypatch.setattr(module, "ROWS", 7)
    assert found.log_ratio(first, second) == pytest.approx(whole, rel=1e-12)


def test_halves_of_one_animal_differ_from_those_of_two() -> None:
    seen, animal, side = planted(2)
    # each animal in two components, both of which show both flanks
    half = 2 * animal + np.tile([0, 1, 0, 1], ANIMALS)
    found = fitted_to(seen, half, side)
    one = found.log_ratio(2 * np.arange(ANIMALS), 2 * np.arange(ANIMALS) + 1)
    two = found.log_ratio(2 * np.arange(ANIMALS), np.roll(2 * np.arange(ANIMALS) + 1, 1))
    assert (one > 0).mean() > 0.9
    assert (two < 0).mean() > 0.9


def test_the_fit_recovers_planted_variances() -> None:
    seen, animal, side = planted(3, animals=1_500)
    found = fitted_to(seen, animal, side)
    assert found.shared + found.flank == pytest.approx(np.full(6, 4.0), rel=0.25)
    assert found.shared.sum() / (found.shared + found.flank).sum() == pytest.approx(0.75, abs=0.05)


def test_no_direction_separates_animals_by_less_than_the_least() -> None:
    rng = np.random.default_rng(4)
    found = fitted_to(rng.normal(size=(200, 5)), np.repeat(np.arange(20), 10), np.tile([0, 1], 100))
    assert (found.shared + found.flank >= LEAST_RATIO * (1.0 - 1e-12)).all()


def test_with_one_side_all_that_an_animal_shows_is_shared() -> None:
    seen, animal, side = planted(5)
    assert not fitted_to(seen, animal, np.zeros_like(side), sides=1).flank.any()


def test_a_change_of_axes_of_the_looks_changes_no_log_ratio() -> None:
    seen, animal, side = planted(6)
    bend = np.random.default_rng(6).normal(size=(6, 6))
    first, second = np.triu_indices(ANIMALS, 1)
    straight, bent = (fitted_to(rows, animal, side).log_ratio(first, second) for rows in (seen, seen @ bend))
    # all but the floor under each variance is free of axes
    assert bent == pytest.approx(straight, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("dimensions", [4, 12])
def test_turning_the_embeddings_changes_no_log_ratio(dimensions: int) -> None:
    rng = np.random.default_rng(7)
    embeddings = unit(planted(7, dimensions=12)[0] * np.linspace(0.3, 2.0, 12))
    _, animal, side = planted(7)
    station = rng.integers(-1, 5, len(embeddings))
    turn = np.linalg.qr(rng.normal(size=(12, 12)))[0]

    def ratios(turned: Float32Array) -> Float64Array:
        seen = looks(turned, station, dimensions=dimensions)
        assert seen.shape == (len(embeddings), dimensions)
        return fitted_to(seen, animal, side).log_ratio(*np.triu_indices(ANIMALS, 1))

    turned = ratios(np.asarray(embeddings @ turn, dtype=np.float32))
    assert turned == pytest.approx(ratios(embeddings), abs=1e-3)


def test_looks_have_lost_the_mean_of_the_survey_and_of_their_station() -> None:
    rng = np.random.default_rng(8)
    station = rng.integers(-1, 3, 40)
    embeddings = unit(rng.normal(size=(40, 5)) + 3.0 * rng.normal(size=(4, 5))[station])
    rows = [row.astype(np.float64) - embeddings.mean(axis=0, dtype=np.float64) for row in embeddings]
    plain = []
    for row, place in zip(rows, station, strict=True):
        there = [other for other, its in zip(rows, station, strict=True) if its == place]
        pull = np.sum(there, axis=0) / (len(there) + STATION_PULL) if place >= 0 else 0.0
        plain.append(row - pull)
    expected = np.array(plain)
    # looks are the rows on other axes, so that products are the same
    seen = looks(embeddings, station)
    assert seen @ seen.T == pytest.approx(expected @ expected.T, abs=1e-9)


def test_looks_keep_the_directions_of_most_variance() -> None:
    rng = np.random.default_rng(9)
    embeddings = unit(rng.normal(size=(300, 8)) * np.array([0.1, 5, 0.1, 4, 0.1, 3, 0.1, 0.1]))
    everywhere = np.full(300, -1)
    kept, whole = (looks(embeddings, everywhere, dimensions=count) for count in (3, 8))
    assert kept == pytest.approx(whole[:, :3])
    strength = (whole**2).sum(axis=0)
    assert (np.diff(strength) <= 0).all()
    assert strength[:3].sum() > 0.9 * strength.sum()


def test_frames_of_one_burst_are_one_view() -> None:
    rng = np.random.default_rng(10)
    seen = rng.normal(size=(50, 3))
    component, side, burst = rng.integers(0, 4, 50), rng.integers(0, 2, 50), rng.integers(0, 6, 50)
    expected = {
        key: seen[[row for row in range(50) if (component[row], side[row], burst[row]) == key]].mean(axis=0)
        for key in set(zip(component.tolist(), side.tolist(), burst.tolist(), strict=True))
    }
    found = views(seen, component, side, burst)
    assert list(zip(found.component.tolist(), found.side.tolist(), strict=True)) == [
        key[:2] for key in sorted(expected)
    ]
    assert found.mean == pytest.approx(np.array([expected[key] for key in sorted(expected)]))


def test_a_repeated_frame_changes_nothing() -> None:
    seen, animal, side = planted(11)
    burst = np.arange(len(seen))
    again = np.repeat(np.arange(len(seen)), np.tile([3, 1], len(seen) // 2))
    once, often = (
        fitted(views(seen[rows], animal[rows], side[rows], burst[rows]), ANIMALS, 2, np.eye(6))
        for rows in (burst, again)
    )
    first, second = np.triu_indices(ANIMALS, 1)
    assert often.log_ratio(first, second) == pytest.approx(once.log_ratio(first, second))


def test_the_guess_is_half_of_the_mean_square_between_pairs_drawn_to_half_of_the_covariance() -> None:
    rng = np.random.default_rng(12)
    seen = rng.normal(size=(30, 4))
    pairs = list(itertools.combinations(range(6), 2))
    first, second = np.array(pairs).T
    squares = sum(np.outer(seen[a] - seen[b], seen[a] - seen[b]) / 2 for a, b in pairs)
    prior = GUESS_PAIRS * (np.cov(seen.T) + LEAST_VARIANCE * np.eye(4)) / 2
    expected = (squares + prior) / (len(pairs) + GUESS_PAIRS)
    assert guessed_spread(seen, first, second) == pytest.approx(expected)
    none = np.zeros(0, dtype=np.int64)
    assert guessed_spread(seen, none, none) == pytest.approx(np.cov(seen.T) / 2, abs=1e-5)


@pytest.mark.parametrize("items", [1, 2, 5])
def test_few_or_equal_images_fit_as_well(items: int) -> None:
    rng = np.random.default_rng(13)
    for embeddings in (unit(rng.normal(size=(items, 64))), unit(np.ones((items, 64)))):
        seen = looks(embeddings, np.full(items, -1))
        none = np.zeros(0, dtype=np.int64)
        guess = guessed_spread(seen, none, none)
        everyone = np.arange(items)
        shown = views(seen, everyone, np.zeros(items, dtype=np.int64), everyone)
        ratio = fitted(shown, items, 1, guess).log_ratio(everyone, everyone[::-1])
        assert np.isfinite(ratio).all()
