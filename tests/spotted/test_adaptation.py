from __future__ import annotations

import numpy as np
import pytest

from spotted.adaptation import Step, train_head
from spotted.errors import PreconditionError
from spotted.heads import Head, HeadRecipe
from spotted.survey import BoolArray, Float32Array, IntArray


def unit(rows: np.ndarray) -> Float32Array:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


class Places:
    """Detections at a few places: equal place is feasible, another place is not."""

    def __init__(self, place: IntArray, *, unknown: bool = False) -> None:
        self.place = place
        self.unknown = unknown

    def __call__(self, rows: IntArray) -> tuple[Float32Array, BoolArray]:
        here = self.place[rows]
        scores = (here[:, None] == here[None, :]).astype(np.float32)
        if self.unknown:
            scores[:] = np.nan
        return scores, np.zeros(scores.shape, dtype=np.bool_)


def survey(count: int = 60, dimension: int = 24) -> tuple[Float32Array, Places]:
    rng = np.random.default_rng(3)
    place = rng.integers(0, 5, count)
    look = rng.normal(size=(5, dimension))[place] * 0.6 + rng.normal(size=(count, dimension))
    return unit(look), Places(place)


def gap(head: Head, embeddings: Float32Array, places: Places) -> float:
    """How much more alike detections of one place are than detections of two."""
    adapted = head.apply(embeddings)
    similarity = adapted @ adapted.T
    same = places.place[:, None] == places.place[None, :]
    return float(similarity[same].mean() - similarity[~same].mean())


def test_an_untrained_head_is_the_identity() -> None:
    embeddings, places = survey()
    head = train_head(embeddings, places, HeadRecipe(epochs=0))
    np.testing.assert_allclose(head.apply(embeddings), embeddings, atol=1e-6)


def test_training_lowers_the_loss_and_pulls_places_together() -> None:
    embeddings, places = survey()
    steps: list[Step] = []
    recipe = HeadRecipe(epochs=60, anchor_weight=0.0, learning_rate=3e-3)
    head = train_head(embeddings, places, recipe, told=steps.append)
    assert steps[-1].loss < 0.5 * steps[0].loss
    assert gap(head, embeddings, places) > 2 * gap(
        train_head(embeddings, places, HeadRecipe(epochs=0)), embeddings, places
    )


def test_a_heavy_anchor_keeps_the_backbones_similarities() -> None:
    embeddings, places = survey()
    free = train_head(embeddings, places, HeadRecipe(epochs=40, anchor_weight=0.0))
    held = train_head(embeddings, places, HeadRecipe(epochs=40, anchor_weight=1e4))
    before = embeddings @ embeddings.T

    def moved(head: Head) -> float:
        after = head.apply(embeddings)
        return float(np.abs(after @ after.T - before).mean())

    assert moved(held) < 0.2 * moved(free)


def test_equal_seeds_give_equal_heads() -> None:
    embeddings, places = survey()
    first, second = (train_head(embeddings, places, HeadRecipe(epochs=5, seed=7)) for _ in range(2))
    np.testing.assert_array_equal(first.w2, second.w2)


def test_the_first_loss_is_that_of_a_plain_loop() -> None:
    embeddings, places = survey(count=12)
    steps: list[Step] = []
    train_head(embeddings, places, HeadRecipe(epochs=1), told=steps.append)
    scores, _ = places(np.arange(12))
    errors: dict[bool, list[float]] = {True: [], False: []}
    for i in range(12):
        for j in range(12):
            if i != j:
                similarity = max(0.0, float(embeddings[i] @ embeddings[j]))
                errors[bool(scores[i, j] == 1)].append((similarity - float(scores[i, j])) ** 2)
    expected = 2.0 * np.mean(errors[False]) + 1.0 * np.mean(errors[True])
    assert steps[0].loss == pytest.approx(expected, rel=1e-5)


def test_two_animals_in_one_image_are_no_positive() -> None:
    embeddings, places = survey(count=12)

    def one_image(rows: IntArray) -> tuple[Float32Array, BoolArray]:
        scores, _ = places(rows)
        return np.ones_like(scores), np.ones(scores.shape, dtype=np.bool_)

    steps: list[Step] = []
    train_head(embeddings, one_image, HeadRecipe(epochs=1), told=steps.append)
    assert (steps[0].positive_pairs, steps[0].negative_pairs) == (0, 12 * 11)


def test_a_large_survey_is_drawn_from() -> None:
    rng = np.random.default_rng(0)
    count = 150
    seen: list[int] = []
    places = Places(rng.integers(0, 50, count))

    def watched(rows: IntArray) -> tuple[Float32Array, BoolArray]:
        seen.append(len(rows))
        return places(rows)

    train_head(unit(rng.normal(size=(count, 4))), watched, HeadRecipe(epochs=2, rank=2, largest_batch=100))
    assert seen == [100, 100]


def test_too_few_detections_are_refused() -> None:
    embeddings, places = survey(count=3)
    with pytest.raises(PreconditionError, match="3 detections are too few"):
        train_head(embeddings, places, HeadRecipe())


def test_a_survey_without_places_is_refused() -> None:
    embeddings, places = survey(count=20)
    with pytest.raises(PreconditionError, match="are places and times known"):
        train_head(embeddings, Places(places.place, unknown=True), HeadRecipe())
