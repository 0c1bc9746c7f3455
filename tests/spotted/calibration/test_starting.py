from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logit

from spotted.calibration.evidence import LOOKS, TERMS
from spotted.calibration.kinds import CalibrationKind
from spotted.calibration.labels import USUAL_PARTNERS
from spotted.calibration.model import log_odds, probability
from spotted.calibration.starting import (
    BEND,
    OFFSET,
    SLOPE,
    product_weights,
    starting_calibration,
    starting_line,
)
from spotted.scoring.fusion import fuse
from tests.spotted.calibration.surveys import small_survey


def test_it_ranks_as_the_product_whether_or_not_places_are_known() -> None:
    pairs, _, _ = small_survey(12, 5, 1)
    pairs.feasibility[::3] = pairs.distance_m[::3] = pairs.gap_s[::3] = np.nan
    product = fuse(pairs.visual.astype(np.float32), pairs.feasibility.astype(np.float32))
    found = probability(starting_calibration(500), pairs)
    order = np.argsort(product, kind="stable")
    # below these floors values count alike
    above = (pairs.visual > 2e-3) & ~(pairs.feasibility < 1e-5)
    order = order[above[order]]
    assert (np.diff(found[order])[np.diff(product[order]) > 1e-5] > 0).all()


def test_it_is_a_line_of_the_product_moved_to_the_share() -> None:
    pairs, _, _ = small_survey(6, 4, 2)
    pairs = pairs.at(pairs.visual * pairs.feasibility > 1e-2)
    product = pairs.visual * pairs.feasibility
    expected = OFFSET + logit(USUAL_PARTNERS / 400) + SLOPE * np.log(product) + BEND * product
    assert log_odds(starting_calibration(400), pairs) == pytest.approx(expected, abs=1e-4)


def test_it_says_that_it_was_fitted_to_no_labels() -> None:
    found = starting_calibration(100)
    assert (found.kind, found.same_pairs, found.individuals) == (CalibrationKind.STARTING, 0, 0)
    assert found.held_out_ece is None
    assert found.held_out_gain is None
    assert found == starting_calibration(100) != starting_calibration(101)


def test_both_sums_of_a_line_agree_where_nothing_is_known_of_the_journey() -> None:
    line = starting_line(0.01)
    placed, unplaced = product_weights(line, TERMS), product_weights(line, LOOKS)
    assert placed[0] == unplaced[0] == pytest.approx(OFFSET + logit(0.01))
    assert placed[1:].sum() == pytest.approx(2 * SLOPE + BEND)
    assert unplaced[1:].sum() == pytest.approx(SLOPE + BEND)
