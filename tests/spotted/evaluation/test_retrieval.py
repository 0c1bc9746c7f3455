from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import strategies as st

from spotted.evaluation import retrieval
from spotted.ranking.gallery import Gallery
from spotted.scoring.fusion import Fusion
from tests.spotted.plain_ranking import exact_gallery, expected
from tests.spotted.surveys import random_gallery

names = st.lists(st.sampled_from(["a", "b", "c", ""]), min_size=1, max_size=14)


def plain_retrieval(
    gallery: Gallery, individuals: list[str], encounters: list[str], k: int
) -> tuple[int, float, float]:
    """Rank every pair by a loop: queries, share whose animal is among the first k, mean average precision."""
    hits, precisions = [], []
    image = gallery.table.image
    for i, animal in enumerate(individuals):
        rivals = [
            j
            for j in range(len(individuals))
            if j != i
            and not (image[j] >= 0 and image[j] == image[i])
            and not (encounters[j] == encounters[i] and encounters[i])
        ]
        right = [bool(animal) and individuals[j] == animal for j in rivals]
        if not any(right):
            continue
        scores = gallery.score_pairs(np.full(len(rivals), i), np.array(rivals, dtype=np.int64)).fused
        hit, precision = expected(scores.tolist(), right, k)
        hits.append(hit)
        precisions.append(precision)
    return len(hits), float(np.mean(hits)), float(np.mean(precisions))


@pytest.mark.parametrize("with_encounters", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_retrieval_is_that_of_a_plain_loop(seed: int, *, with_encounters: bool) -> None:
    rng = np.random.default_rng(seed)
    gallery = exact_gallery(40, seed)
    individuals = [str(rng.choice(["a", "b", "c", "d", ""])) for _ in range(40)]
    encounters = [str(rng.choice(["1", "2", "3", ""])) if with_encounters else "" for _ in range(40)]
    measured = retrieval.measure_retrieval(gallery, individuals, ks=(1, 3), encounters=encounters)
    for k in (1, 3):
        asked, share, precision = plain_retrieval(gallery, individuals, encounters, k)
        assert measured.queries == asked
        assert measured.top[k] == pytest.approx(share, abs=1e-9)
        assert measured.mean_average_precision == pytest.approx(precision, abs=1e-9)


def test_the_order_of_rows_and_ids_changes_nothing() -> None:
    rng = np.random.default_rng(3)
    gallery = exact_gallery(60, 3)
    individuals = [str(rng.integers(0, 9)) for _ in range(60)]
    order = rng.permutation(60)
    shuffled = replace(
        gallery,
        embeddings=gallery.embeddings[order],
        table=gallery.table.at(order),
        order=rng.permutation(60),
    )
    one = retrieval.measure_retrieval(gallery, individuals, fusion=Fusion.LOCATION)
    other = retrieval.measure_retrieval(shuffled, [individuals[i] for i in order], fusion=Fusion.LOCATION)
    assert one.top == pytest.approx(other.top, abs=1e-12)
    assert one.mean_average_precision == pytest.approx(other.mean_average_precision, abs=1e-12)


def test_a_survey_in_which_nobody_comes_twice_asks_nothing() -> None:
    measured = retrieval.measure_retrieval(
        random_gallery(5, 0), ["a", "b", "c", "", ""], fusion=Fusion.VISUAL
    )
    assert measured.queries == 0
    assert math.isnan(measured.top[1])


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([True, False, True], (1 + 2 / 3) / 2),
        ([False, False], 0.0),
        ([True, True], 1.0),
        ([False, True], 0.5),
    ],
)
def test_average_precision_of_hand_computed_rankings(found: list[bool], expected: float) -> None:
    assert retrieval.average_precision(np.array(found)) == pytest.approx(expected)


def test_questions_are_counted_up_to_the_first_that_reaches_the_share() -> None:
    found = np.array([0, 3, 3, 19, 20])
    assert retrieval.recall_curve(found, 20).tolist() == [0.0, 0.15, 0.15, 0.95, 1.0]


def test_hours_follow_the_experts_measured_rate() -> None:
    # the paper's 11,028 queries of LeopardID102 are its 31.8 hours
    assert retrieval.hours(11_028) == pytest.approx(31.8, abs=0.01)
