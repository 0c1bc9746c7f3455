from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spotted.arrays import Float64Array, IntArray
from spotted.evaluation.feasibility_tuning import (
    DEPTH,
    Tuning,
    choose_queries,
    decay_grid,
    measure_gain,
    tune,
    with_decays,
    with_speeds,
)
from spotted.evaluation.retrieval import measure_retrieval
from spotted.ranking.gallery import Gallery
from spotted.scoring.feasibility import FeasibilityParams
from spotted.scoring.similarity import unit_rows
from spotted.survey import DetectionTable
from tests.spotted.surveys import EXTENT, random_gallery

COUNT = 60


def individuals(seed: int, count: int = COUNT) -> list[str]:
    rng = np.random.default_rng(seed)
    return [str(rng.choice(["a", "b", "c", "d", "alone" + str(i), ""])) for i in range(count)]


def tuned(gallery: Gallery, known: list[str], grid: list[FeasibilityParams], depth: int = DEPTH) -> Tuning:
    rng = np.random.default_rng(0)
    return tune(gallery, known, grid, queries=choose_queries(known, 10_000, rng), rng=rng, depth=depth)


def roaming(home_m: float, *, animals: int = 30, visits: int = 6) -> tuple[Gallery, list[str]]:
    """Animals that are hard to tell apart, at any time, up to `home_m` from homes along 20 km."""
    rng = np.random.default_rng(1)
    count = animals * visits
    homes = np.repeat(rng.uniform(0, 20_000, animals), visits)
    table = DetectionTable(
        position_m=np.stack([homes + rng.uniform(-home_m, home_m, count), np.zeros(count)], axis=1),
        time_s=rng.uniform(0, EXTENT.span_s, count),
        image=np.full(count, -1, dtype=np.int64),
        side=np.zeros(count, dtype=np.int64),
        location_uncertainty_m=np.zeros(count),
        clock_suspect=np.zeros(count, dtype=np.bool_),
    )
    looks = np.repeat(rng.normal(size=(animals, 6)), visits, axis=0)
    vectors = unit_rows(looks + 0.6 * rng.normal(size=(count, 6)))
    known = [f"animal-{row // visits:02}" for row in range(count)]
    return Gallery(vectors, table, np.arange(count), EXTENT, FeasibilityParams()), known


def untied(seed: int) -> Gallery:
    """No two scores are equal, so that no order of equal ones matters."""
    rng = np.random.default_rng(seed)
    gallery = random_gallery(COUNT, seed)
    table = replace(
        gallery.table, image=np.full(COUNT, -1), time_s=np.arange(COUNT) * EXTENT.span_s / (2 * COUNT)
    )
    return replace(gallery, table=table, embeddings=unit_rows(rng.uniform(size=(COUNT, 8))))


@pytest.mark.parametrize("seed", range(3))
def test_whole_lists_measure_what_evaluation_measures(seed: int) -> None:
    gallery, known = untied(seed), individuals(seed)
    grid = with_decays(gallery.params, [0.1, 0.5])
    tuning = tuned(gallery, known, grid, depth=COUNT)
    for measured, params in zip(tuning.grid, grid, strict=True):
        expected = measure_retrieval(replace(gallery, params=params), known, ks=(1, 5, 20))
        assert len(tuning.queries) == expected.queries
        assert measured.top == pytest.approx(expected.top)
        assert measured.mean_average_precision == pytest.approx(expected.mean_average_precision)


@pytest.mark.parametrize("depth", [1, 4, 25])
def test_short_lists_are_measured_as_a_plain_loop_does(depth: int) -> None:
    gallery, known = random_gallery(COUNT, 7), individuals(7)
    (measured,) = tuned(gallery, known, [gallery.params], depth=depth).grid
    image = gallery.table.image
    first_hits, precisions = [], []
    for query, animal in enumerate(known):
        if not animal or known.count(animal) == 1:
            continue
        rivals = [
            row
            for row in range(COUNT)
            if row != query and not (image[row] == image[query] and image[row] >= 0)
        ]
        scores = gallery.score_pairs(np.full(len(rivals), query), np.array(rivals)).fused
        ranked = sorted(range(len(rivals)), key=lambda i: (-scores[i], gallery.order[rivals[i]]))
        hits = [known[rivals[i]] == animal for i in ranked]
        there, seen, total = sum(hits), 0, 0.0
        for place, hit in enumerate(hits[:depth], start=1):
            seen += hit
            total += hit * seen / place
        precisions.append(total / min(depth, there) if there else 0.0)
        first_hits.append(hits[:depth].index(True) if any(hits[:depth]) else None)
    assert measured.precision == pytest.approx(precisions)
    for k, share in measured.top.items():
        assert share == pytest.approx(np.mean([hit is not None and hit < k for hit in first_hits]))


def test_animals_that_stay_want_a_greater_decay_than_those_that_roam() -> None:
    best = {}
    for home_m in (300.0, 20_000.0):
        gallery, known = roaming(home_m)
        tuning = tuned(gallery, known, with_decays(gallery.params, decay_grid(0.05, 20.0, 9)))
        means = [m.mean_average_precision for m in tuning.grid]
        assert means[tuning.best] == max(means)
        best[home_m] = tuning.grid[tuning.best].params.decay
    # if an animal may be anywhere, its place shows nothing
    assert best[20_000.0] == 0.05
    assert best[300.0] > 1.0


def test_a_gain_that_is_there_is_proven() -> None:
    gallery, known = roaming(20_000.0)
    gallery = replace(gallery, params=FeasibilityParams(decay=20.0))
    tuning = tuned(gallery, known, with_decays(gallery.params, decay_grid(0.05, 20.0, 9)))
    assert tuning.gain.proven
    assert tuning.gain.low <= tuning.gain.gain <= tuning.gain.high


def test_the_best_of_many_equal_settings_is_not_sold_as_a_gain() -> None:
    proven = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        # ten settings that differ by luck alone
        precision, animals = rng.uniform(size=(10, 120)), rng.integers(0, 30, 120)
        best = int(precision.mean(axis=1).argmax())
        proven += measure_gain(precision, animals, 0, best, rng, repeats=300).proven
    assert proven <= 4


def test_a_speed_limit_above_what_animals_do_beats_none_and_one_below() -> None:
    gallery, known = roaming(300.0)
    gallery = replace(gallery, params=FeasibilityParams(decay=1e-6))
    # no animal needs more than 600 m in the shortest of its gaps
    times = gallery.table.time_s.reshape(30, 6)
    shortest_s = np.diff(np.sort(times, axis=1), axis=1).min()
    above = 0.6 / (shortest_s / 3600)
    tuning = tuned(gallery, known, with_speeds(gallery.params, [0.0005, 0.05, above]))
    below, near, right, unlimited = (m.mean_average_precision for m in tuning.grid)
    assert below < unlimited <= right
    assert unlimited < near
    assert [m.params.max_speed_kmh for m in tuning.grid] == [0.0005, 0.05, above, None]


def test_the_present_setting_stays_if_nothing_is_better() -> None:
    gallery, known = random_gallery(COUNT, 1), individuals(1)
    unplaced = replace(gallery, table=replace(gallery.table, time_s=np.full(COUNT, np.nan)))
    tuning = tuned(unplaced, known, with_decays(gallery.params, [0.1, 10.0]))
    assert tuning.grid[tuning.best].params == gallery.params
    assert (tuning.gain.gain, tuning.gain.low, tuning.gain.high) == (0.0, 0.0, 0.0)
    assert not tuning.gain.proven


def plain_interval(
    precision: Float64Array, animals: IntArray, rng: np.random.Generator, repeats: int
) -> tuple[float, float]:
    """The bootstrap by a loop: animals drawn with replacement, each with all its queries."""
    distinct = np.unique(animals)
    gains = []
    for _ in range(repeats):
        rows = np.concatenate([np.flatnonzero(animals == a) for a in rng.choice(distinct, len(distinct))])
        gains.append(precision[1, rows].mean() - precision[0, rows].mean())
    gain = float(precision[1].mean() - precision[0].mean())
    half = float(np.quantile(np.abs(np.array(gains) - gain), 0.95))
    return gain - half, gain + half


def test_the_interval_is_that_of_drawing_whole_animals() -> None:
    rng = np.random.default_rng(3)
    animals = np.repeat(np.arange(12), [1, 2, 3, 4] * 3)
    precision = rng.uniform(size=(2, len(animals))) + np.array([[0.0], [0.1]])
    gain = measure_gain(precision, animals, 0, 1, np.random.default_rng(1), repeats=4000)
    low, high = plain_interval(precision, animals, np.random.default_rng(2), 4000)
    assert (gain.low, gain.high) == pytest.approx((low, high), abs=0.02)
    assert gain.gain == pytest.approx(precision[1].mean() - precision[0].mean())


def test_a_handful_of_animals_proves_nothing() -> None:
    precision = np.array([[0.1] * 9, [0.9] * 9])
    few, many = (
        measure_gain(precision.repeat(n, axis=1), np.arange(9 * n), 0, 1, np.random.default_rng(0))
        for n in (1, 2)
    )
    assert few.low == pytest.approx(0.8)
    assert not few.proven
    assert many.proven


def test_more_settings_that_differ_widen_the_interval() -> None:
    rng = np.random.default_rng(5)
    precision, animals = rng.uniform(size=(12, 200)), np.arange(200) // 4
    widths = []
    for settings in (2, 12):
        gain = measure_gain(precision[:settings], animals, 0, 1, np.random.default_rng(1))
        widths.append(gain.high - gain.low)
    assert widths[1] > 1.2 * widths[0]


def test_grids_hold_the_present_value_once_and_rise() -> None:
    assert [p.decay for p in with_decays(FeasibilityParams(), decay_grid(0.25, 4.0, 3))] == [0.25, 1.0, 4.0]
    assert [p.decay for p in with_decays(FeasibilityParams(decay=3.0), [1.0])] == [1.0, 3.0]
    assert [p.decay for p in with_decays(FeasibilityParams(), [1.0 + 1e-15, 2.0])] == [1.0, 2.0]
    limits = with_speeds(FeasibilityParams(decay=2.0, max_speed_kmh=7.0), [5.0, 9.0])
    assert [(p.max_speed_kmh, p.decay) for p in limits] == [(5.0, 2.0), (7.0, 2.0), (9.0, 2.0), (None, 2.0)]


def test_only_rows_with_another_one_of_their_animal_ask_and_no_more_than_wanted() -> None:
    known = ["a", "", "b", "a", "", "c", "c", "c"]
    assert choose_queries(known, 100, np.random.default_rng(0)).tolist() == [0, 3, 5, 6, 7]
    drawn = choose_queries(known, 3, np.random.default_rng(0)).tolist()
    assert drawn == sorted(set(drawn))
    assert set(drawn) <= {0, 3, 5, 6, 7}
    assert len(drawn) == 3


def test_progress_is_reported_for_every_setting() -> None:
    gallery, known, calls = random_gallery(COUNT, 2), individuals(2), list[int]()
    rng = np.random.default_rng(0)
    tune(
        gallery,
        known,
        with_decays(gallery.params, [0.5, 2.0]),
        queries=choose_queries(known, 10, rng),
        rng=rng,
        on_progress=calls.append,
    )
    assert calls == [1, 1, 1]
