from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from spotted.calibration.evidence import LOOKS, TERMS, PairEvidence, Sides, compare_sides, weigh
from spotted.calibration.looks import MARKS_UNIT
from spotted.survey import Side

OPPOSITE = {frozenset({Side.LEFT, Side.RIGHT}), frozenset({Side.FRONT, Side.BACK})}


def pair(
    visual: float = 0.5,
    feasibility: float = 0.5,
    distance_m: float = 5_000.0,
    gap_s: float = 3600.0,
    sides: Sides = Sides.SAME,
    local: float | None = None,
) -> PairEvidence:
    looks, possible, distance, gap = (np.array([n]) for n in (visual, feasibility, distance_m, gap_s))
    marks = None if local is None else np.array([local])
    return PairEvidence(looks, possible, distance, gap, np.array([sides], dtype=np.int8), marks)


def values(pairs: PairEvidence) -> dict[str, float]:
    return {term.name: float(term.of(pairs)[0]) for term in TERMS}


@pytest.mark.parametrize(("one", "other"), list(itertools.product(Side, Side)))
def test_sides_compare_as_a_person_would_say(one: Side, other: Side) -> None:
    if frozenset({one, other}) in OPPOSITE:
        expected = Sides.OPPOSITE
    else:
        expected = Sides.SAME if one == other != Side.UNKNOWN else Sides.UNCERTAIN
    assert compare_sides(np.array([one]), np.array([other])).tolist() == [expected]


def test_sides_of_rows_and_columns_broadcast() -> None:
    sides = np.array([Side.LEFT, Side.RIGHT])
    assert compare_sides(sides[:, None], sides[None, :]).tolist() == [[2, 0], [0, 2]]


def test_terms_have_their_closed_forms() -> None:
    found = values(pair(visual=0.25, feasibility=0.5, distance_m=20_000.0, gap_s=7200.0, local=MARKS_UNIT))
    looks, gap = 1.0 - 0.75 / math.e, math.log(3) / math.log1p(90 * 24)
    assert found == pytest.approx(
        {
            "log_visual": math.log(looks),
            "visual": looks,
            "visual_same_side": looks,
            "same_side": 1.0,
            "marks": math.log1p(MARKS_UNIT),
            "log_feasibility": math.log(0.5),
            "nearness": -2.0,
            "product": 0.5 * looks,
            "gap": gap,
        }
    )


def test_looks_count_more_if_both_show_one_side() -> None:
    counted = {sides: values(pair(sides=sides))["visual_same_side"] for sides in Sides}
    assert counted == {Sides.OPPOSITE: 0.0, Sides.UNCERTAIN: 0.0, Sides.SAME: 0.5}


def test_marks_that_were_not_compared_count_as_none() -> None:
    assert [values(pair(local=local))["marks"] for local in (None, math.nan, 0.0)] == [0.0, 0.0, 0.0]
    chosen = pair(local=3.0).at((np.array([0, 0]),))
    assert chosen.local is not None
    assert chosen.local.tolist() == [3.0, 3.0]
    assert pair().at((np.array([0]),)).local is None


def test_nothing_is_infinite_at_the_ends_of_the_scales() -> None:
    worst = pair(visual=0.0, feasibility=0.0, distance_m=1e6, gap_s=1e12)
    found = values(worst)
    assert np.isfinite(list(found.values())).all()
    assert found["log_visual"] == pytest.approx(math.log(1e-3))
    assert found["log_feasibility"] == pytest.approx(-12.0)
    assert found["gap"] == 1.0


def test_a_pair_without_one_of_its_journeys_numbers_has_no_place() -> None:
    assert pair().placed().all()
    for lame in (pair(feasibility=math.nan), pair(distance_m=math.nan), pair(gap_s=math.nan)):
        assert not lame.placed().any()


def test_looks_need_no_place() -> None:
    nowhere = pair(feasibility=math.nan, distance_m=math.nan, gap_s=math.nan)
    assert all(np.isfinite(term.of(nowhere)).all() for term in LOOKS)


def test_the_sum_is_that_of_a_plain_loop() -> None:
    rng = np.random.default_rng(1)
    looks, possible, part, wait = rng.random((4, 20))
    pairs = PairEvidence(looks, possible, part * 1e4, wait * 1e6, rng.integers(0, 3, 20).astype(np.int8))
    weights = rng.normal(size=len(TERMS) + 1)
    weights[3] = 0.0
    found = weigh(pairs, TERMS, weights.tolist())
    for i in range(20):
        alone = pairs.at((np.array([i]),))
        expected = weights[0] + sum(
            weight * value for weight, value in zip(weights[1:], values(alone).values(), strict=True)
        )
        assert found[i] == pytest.approx(expected)


def test_terms_are_computed_in_the_precision_of_the_visual_similarity() -> None:
    for precision in (np.float32, np.float64):
        pairs = PairEvidence(
            np.array([0.5], dtype=precision),
            np.array([0.5], dtype=np.float32),
            np.array([10.0]),
            np.array([10.0]),
            np.array([0], dtype=np.int8),
        )
        assert {term.of(pairs).dtype for term in TERMS} == {np.dtype(precision)}
        assert weigh(pairs, TERMS, [0.1] * (len(TERMS) + 1)).dtype == precision
