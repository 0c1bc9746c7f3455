from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotted.constraints.component_evidence import Evidence
from spotted.constraints.statements import ImagePair
from spotted.constraints.trust_settings import TrustSettings, log_odds, probability_of

RULES = TrustSettings()


def test_the_probability_beforehand_is_kept_within_limits() -> None:
    assert RULES.prior(1.0) == pytest.approx(log_odds(RULES.prior_ceiling))
    assert RULES.prior(0.0) == pytest.approx(log_odds(RULES.prior_floor))
    assert RULES.prior(0.5) == 0.0
    assert RULES.prior(None) == pytest.approx(log_odds(RULES.unknown_prior))
    assert ImagePair().prior(RULES) == Evidence().log_odds(RULES) == RULES.prior(None)


@given(st.floats(1e-9, 1 - 1e-9))
def test_log_odds_and_probability_undo_each_other(probability: float) -> None:
    assert probability_of(log_odds(probability)) == pytest.approx(probability)


def test_extreme_log_odds_are_certain_and_finite() -> None:
    assert probability_of(1e9) == 1.0
    assert math.isclose(probability_of(-1e9), 0.0, abs_tol=1e-300)
