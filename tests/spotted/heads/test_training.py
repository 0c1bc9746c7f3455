from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spotted.arrays import BoolArray, Float32Array, IntArray
from spotted.errors import PreconditionError
from spotted.heads.head import PAPER, Head, HeadRecipe
from spotted.heads.training import Step, train_head


def unit(rows: np.ndarray) -> Float32Array:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


class Places:
    """Detections at a few places: pairs of one place are feasible, others are not."""

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
    """Mean similarity within places less that between places."""
    adapted = head.apply(embeddings)
    similarity = adapted @ adapted.T
    same = places.place[:, None] == places.place[None, :]
    return float(similarity[same].mean() - similarity[~same].mean())


def test_an_untrained_head_is_the_identity() -> None:
    embeddings, places = survey()
    head = train_head(embeddings, places, HeadRecipe(epochs=0))
    np.testing.assert_allclose(head.apply(embeddings), embeddings, atol=1e-6)


def test_the_papers_training_lowers_the_loss_and_pulls_places_together() -> None:
    embeddings, places = survey()
    steps: list[Step] = []
    recipe = replace(PAPER, epochs=60, learning_rate=3e-3)
    head = train_head(embeddings, places, recipe, on_progress=steps.append)
    assert steps[-1].loss < 0.5 * steps[0].loss
    before = gap(train_head(embeddings, places, HeadRecipe(epochs=0)), embeddings, places)
    assert gap(head, embeddings, places) > 2 * before


def test_a_heavy_anchor_keeps_the_backbones_similarities() -> None:
    embeddings, places = survey()
    free = train_head(embeddings, places, replace(PAPER, epochs=40))
    held = train_head(embeddings, places, replace(PAPER, epochs=40, anchor_weight=1e4))
    before = np.maximum(embeddings @ embeddings.T, 0)

    def moved(head: Head) -> float:
        after = head.apply(embeddings)
        return float(np.abs(np.maximum(after @ after.T, 0) - before).mean())

    assert moved(held) < 0.2 * moved(free)


def test_negatives_become_equally_unlike_and_stay_about_as_alike() -> None:
    embeddings, places = survey()
    unlike = places.place[:, None] != places.place[None, :]

    def similarities(vectors: Float32Array) -> Float32Array:
        return np.asarray(np.maximum(vectors @ vectors.T, 0)[unlike], dtype=np.float32)

    before = similarities(embeddings)
    after = similarities(train_head(embeddings, places, HeadRecipe(epochs=100)).apply(embeddings))
    paper = similarities(train_head(embeddings, places, replace(PAPER, epochs=100)).apply(embeddings))
    assert after.std() < 0.9 * before.std()
    assert after.mean() > 0.6 * before.mean() > paper.mean()


def test_equal_seeds_give_equal_heads() -> None:
    embeddings, places = survey()
    first, second = (train_head(embeddings, places, HeadRecipe(epochs=5, seed=7)) for _ in range(2))
    np.testing.assert_array_equal(first.w2, second.w2)


def test_the_first_loss_is_that_of_a_plain_loop() -> None:
    embeddings, places = survey(count=12)
    steps: list[Step] = []
    train_head(embeddings, places, replace(PAPER, epochs=1), on_progress=steps.append)
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
    train_head(embeddings, one_image, HeadRecipe(epochs=1), on_progress=steps.append)
    assert (steps[0].positive_pairs, steps[0].negative_pairs) == (0, 12 * 11)


def test_a_large_survey_is_drawn_from() -> None:
    rng = np.random.default_rng(0)
    count = 150
    seen: list[tuple[int, ...]] = []
    places = Places(rng.integers(0, 50, count))

    def watched(rows: IntArray) -> tuple[Float32Array, BoolArray]:
        seen.append(tuple(rows))
        return places(rows)

    recipe = HeadRecipe(epochs=2, rank=2, largest_batch=100, drawn_batch=60)
    train_head(unit(rng.normal(size=(count, 4))), watched, recipe)
    assert [len(set(rows)) for rows in seen] == [60, 60]
    assert seen[0] != seen[1]


@pytest.mark.slow
def test_drawn_pairs_teach_what_all_pairs_teach() -> None:
    embeddings, places = survey(count=200)
    recipe = HeadRecipe(epochs=150, rank=8)
    drawn = replace(recipe, largest_batch=120, drawn_batch=120)

    def adapted(recipe: HeadRecipe) -> Float32Array:
        vectors = train_head(embeddings, places, recipe).apply(embeddings)
        return np.asarray(vectors @ vectors.T, dtype=np.float32)

    full, other_seed, sampled = (adapted(r) for r in (recipe, replace(recipe, seed=1), drawn))
    moved = np.abs(full - embeddings @ embeddings.T).mean()
    noise = np.abs(full - other_seed).mean()
    assert np.abs(full - sampled).mean() < max(2 * noise, 0.1 * moved)


def test_a_collapse_shows_in_the_steps() -> None:
    embeddings, places = survey()
    # one place for all: no pair is a negative, so all vectors become alike
    one_place = Places(np.zeros_like(places.place))
    steps: list[Step] = []
    train_head(embeddings, one_place, replace(PAPER, epochs=200), on_progress=steps.append)
    assert steps[0].effective_rank > 5
    assert steps[-1].effective_rank == pytest.approx(1.0, abs=0.1)
    assert steps[-1].mean_similarity == pytest.approx(1.0, abs=0.1)


def test_too_few_detections_are_refused() -> None:
    embeddings, places = survey(count=3)
    with pytest.raises(PreconditionError, match="3 detections are too few"):
        train_head(embeddings, places, HeadRecipe())


def test_a_survey_without_places_is_refused() -> None:
    embeddings, places = survey(count=20)
    with pytest.raises(PreconditionError, match="check that cameras have positions"):
        train_head(embeddings, Places(places.place, unknown=True), HeadRecipe())
