from __future__ import annotations

import numpy as np
import pytest

from spotted.arrays import BoolArray, Float32Array, IntArray
from spotted.errors import PreconditionError
from spotted.heads import held_out
from spotted.heads.held_out import FOLDS, judge_named_head
from spotted.heads.named import NamedRecipe, fit_named_head
from tests.spotted.heads.test_named import photographs

RECIPE = NamedRecipe(strength=30.0)


def anywhere(rows: IntArray) -> tuple[Float32Array, BoolArray]:
    """Nothing is known of places, and every pair may be compared."""
    return np.full((len(rows), len(rows)), np.nan, dtype=np.float32), np.zeros((len(rows),) * 2, np.bool_)


def test_each_animal_is_judged_by_a_head_of_others_as_in_a_plain_loop() -> None:
    vectors, animals = photographs(12, 3)
    near = np.random.default_rng(5).random((36, 36)).astype(np.float32)
    never = np.random.default_rng(6).random((36, 36)) < 0.1
    shares: list[float] = []
    found = judge_named_head(
        vectors,
        animals,
        animals,
        RECIPE,
        lambda rows: (near[np.ix_(rows, rows)], never[np.ix_(rows, rows)]),
        on_progress=shares.append,
    )
    hits = []
    for query in range(36):
        # of equally many photographs, animals take turns at the folds
        fold = animals[query] % FOLDS
        head = fit_named_head(vectors[animals % FOLDS != fold], animals[animals % FOLDS != fold], RECIPE)
        allowed = [row for row in range(36) if row != query and not never[query, row]]
        if not any(animals[row] == animals[query] for row in allowed):
            continue
        row_hits = []
        for seen in (vectors, head.apply(vectors)):
            scores = [max(0.0, float(seen[query] @ seen[row])) * float(near[query, row]) for row in allowed]
            order = sorted(range(len(allowed)), key=lambda index: -scores[index])
            row_hits.append([any(animals[allowed[i]] == animals[query] for i in order[:k]) for k in (1, 5)])
        hits.append(row_hits)
    expected = np.mean(np.array(hits, dtype=float), axis=0)
    assert found.queries == len(hits)
    np.testing.assert_allclose([found.backbone, found.head], expected, atol=1e-9)
    assert found.low <= found.gain <= found.high
    assert shares == [0.2, 0.4, 0.6, 0.8, 1.0]


def test_a_head_that_finds_others_helps_and_one_that_learned_noise_does_not() -> None:
    vectors, animals = photographs()
    good = judge_named_head(vectors, animals, animals, RECIPE, anywhere)
    assert good.helps
    assert good.low > 0.0
    assert (good.queries, good.individuals) == (120, 30)
    # what differs within "coats" of mixed animals is who they are
    mixed = np.random.default_rng(0).permutation(animals)
    vectors[:, :2] = 0.0
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    bad = judge_named_head(unit, animals, mixed, RECIPE, anywhere)
    assert not bad.helps


def test_large_surveys_are_judged_on_whole_animals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_out, "MOST_JUDGED", 50)
    vectors, animals = photographs()
    found = judge_named_head(vectors, animals, animals, RECIPE, anywhere)
    assert (found.queries, found.individuals) == (48, 12)


def test_too_few_animals_cannot_be_judged() -> None:
    vectors, animals = photographs(7)
    known = np.where(animals < 7, animals, -1)
    with pytest.raises(PreconditionError, match="7 animals are known from two photographs; a head needs at"):
        judge_named_head(vectors, known, known, RECIPE, anywhere)
