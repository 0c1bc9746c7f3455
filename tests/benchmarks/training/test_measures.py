from __future__ import annotations

import numpy as np
import pytest

from benchmarks.training.measures import SpeciesTest
from spotted.arrays import Float32Array
from spotted.scoring import unit_rows

# ten animals, some with two flanks
CLASSES = tuple(f"{animal} {flank}" for animal in "abcdefghij" for flank in ("left", "right") for _ in "123")
TEST = SpeciesTest(CLASSES, tuple(one[0] for one in CLASSES), np.array([one[0] < "e" for one in CLASSES]))


def looks(seed: int) -> Float32Array:
    # a negative cosine is a similarity of 0
    return unit_rows(np.abs(np.random.default_rng(seed).normal(size=(len(CLASSES), 5))))


def test_outcomes_are_those_of_a_plain_loop() -> None:
    vectors = looks(1)
    found = TEST.outcomes(vectors)
    assert found.query.tolist() == [*range(len(CLASSES))]
    for query, values in zip(found.query.tolist(), found.values, strict=True):
        others = [row for row in range(len(CLASSES)) if row != query]
        others.sort(key=lambda row: -float(vectors[query] @ vectors[row]))
        ranks = [rank for rank, row in enumerate(others, 1) if CLASSES[row] == CLASSES[query]]
        precision = np.mean([number / rank for number, rank in enumerate(ranks, 1)])
        hits = [float(ranks[0] <= k) for k in (1, 5, 10, 20)]
        assert values.tolist() == pytest.approx([*hits, precision])


def test_parts_are_those_of_new_and_of_seen_animals() -> None:
    found = TEST.outcomes(looks(1))
    assert [TEST.counts(found, part) for part in ("all", "new", "seen")] == [(60, 10), (24, 4), (36, 6)]
    of_all, seen = TEST.intervals(found), TEST.intervals(found, "seen")
    assert [one.value for one in of_all] == pytest.approx(found.values.mean(axis=0))
    assert [one.value for one in seen] == pytest.approx(found.values[24:].mean(axis=0))
    assert all(one.low <= one.value <= one.high for one in (*of_all, *seen))


def test_gains_are_paired() -> None:
    found, base = TEST.outcomes(looks(1)), TEST.outcomes(looks(2))
    assert all((one.value, one.low, one.high) == (0.0, 0.0, 0.0) for one in TEST.gains(found, found))
    gains = [one.value for one in TEST.gains(found, base)]
    assert gains == pytest.approx((found.values - base.values).mean(axis=0))
