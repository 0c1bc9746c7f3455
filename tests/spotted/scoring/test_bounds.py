from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spotted.scoring import geometry
from spotted.scoring.bounds import Journeys, fused_bounds
from spotted.scoring.feasibility import FeasibilityParams, pair_feasibility
from spotted.scoring.fusion import Fusion, fuse
from spotted.survey import Extent
from tests.spotted.surveys import EXTENT, random_table


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    decay=st.sampled_from([1e-3, 0.3, 1.0, 40.0, 1e4]),
    clock=st.sampled_from([0.0, 3600.0]),
    uncertain=st.booleans(),
    limit=st.sampled_from([None, 0.05]),
    since=st.sampled_from([0.0, 1.7e9]),
)
def test_no_feasibility_exceeds_its_bound(
    seed: int, *, decay: float, clock: float, uncertain: bool, limit: float | None, since: float
) -> None:
    table = random_table(40, seed)
    table.time_s[:] += since
    table.time_s[:20] += np.random.default_rng(seed).uniform(0, 1e-3, 20)
    params = FeasibilityParams(decay, clock, uncertain, limit)
    everyone = np.arange(40)
    extent = replace(EXTENT, start_s=since)
    exact = pair_feasibility(table, everyone[:, None], everyone[None, :], extent, params)
    journeys = Journeys.of(table, extent, params)
    block = journeys.between(journeys.departures(everyone[5:]), slice(3, 40))
    rows, columns = np.divmod(np.arange(35 * 37), 37)
    pairs = block.of_pairs(rows, columns).reshape(35, 37)
    for start in range(0, 35, 7):
        part = slice(start, start + 7)
        bound, within = block.of_rows(part), exact[5:, 3:][part]
        np.testing.assert_array_equal(np.isnan(bound), np.isnan(within))
        assert (bound >= within)[~np.isnan(bound)].all()
        assert not (block.known and np.isnan(bound).any())
        np.testing.assert_allclose(pairs[part], bound, rtol=1e-6)
    assert (pairs >= exact[5:, 3:])[~np.isnan(pairs)].all()


def test_a_bound_is_near_if_gaps_are_long() -> None:
    table = random_table(60, seed=1)
    everyone = np.arange(60)
    exact = pair_feasibility(table, everyone[:, None], everyone[None, :], EXTENT, FeasibilityParams())
    journeys = Journeys.of(table, EXTENT, FeasibilityParams())
    bounds = journeys.between(journeys.departures(everyone), slice(0, 60)).of_rows(slice(0, 60))
    believed = ~geometry.gap_doubted(table, everyone[:, None], everyone[None, :], EXTENT)
    likely = (exact > 0.1) & believed
    assert (bounds[likely] <= 1.03 * exact[likely]).all()


def test_an_extent_without_distance_rules_nothing_out() -> None:
    table = random_table(10, seed=2)
    journeys = Journeys.of(table, Extent(0.0, 1.0), FeasibilityParams())
    bound = journeys.between(journeys.departures(np.arange(10)), slice(0, 10)).of_rows(slice(0, 10))
    assert (bound[~np.isnan(bound)] >= 1).all()


@pytest.mark.parametrize("fusion", [Fusion.PRODUCT, Fusion.VISUAL, Fusion.LOCATION])
@given(
    visual=st.floats(0, 1, width=32),
    off=st.floats(-1e-4, 1e-4),
    possible=st.one_of(st.floats(0, 1, width=32), st.just(float("nan"))),
)
def test_the_fused_score_lies_within_its_bounds(
    fusion: Fusion, visual: float, off: float, possible: float
) -> None:
    exact, score = np.array([visual], np.float32), np.array([possible], np.float32)
    least, most = fused_bounds(exact + np.float32(off), 1.01e-4, score, fusion)
    assert least <= fuse(exact, score, fusion) <= most
