from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotted.constraints.answers import Answer, LabelledPair
from spotted.constraints.error_rates import Annotators
from spotted.constraints.statements import (
    Across,
    Given,
    ImagePair,
    Statements,
    TrustSettings,
    log_odds,
    ordered,
    probability_of,
)

RULES = TrustSettings()


def said(first: int, second: int, *, same: bool) -> Given:
    answer = Answer.SAME if same else Answer.DIFFERENT
    return Given(LabelledPair(f"{first}-{second}", first, second, answer), "ana", again=False)


@given(st.lists(st.booleans(), min_size=1, max_size=6))
def test_the_answers_to_an_image_pair_weigh_the_same_in_any_order(answers: list[bool]) -> None:
    forwards, backwards = (Statements(RULES, Annotators()) for _ in range(2))
    for same in answers:
        forwards.hear(said(0, 1, same=same), None)
    for same in answers[::-1]:
        backwards.hear(said(1, 0, same=same), None)
    ours, theirs = forwards.of(1, 0), backwards.of(0, 1)
    assert ours
    assert theirs
    assert ours.weight == pytest.approx(theirs.weight)


def test_answers_to_two_image_pairs_count_in_full() -> None:
    testimony, across = Statements(RULES, Annotators()), Across()
    for other in (1, 2):
        across.add_pair(testimony.hear(said(0, other, same=True), None))
    once = Annotators().rates("ana").log_odds(same=True)
    assert across.weight == pytest.approx(2 * once)
    assert (across.same, across.different, across.asked) == (2, 0, 2)


def test_what_is_taken_away_leaves_what_was_there() -> None:
    testimony, across = Statements(RULES, Annotators()), Across()
    kept = testimony.hear(said(0, 1, same=True), 0.4)
    other = testimony.hear(said(0, 2, same=False), 0.2)
    across.add_pair(kept)
    expected = across.log_odds(RULES)
    across.add_pair(other)
    assert across.log_odds(RULES) < expected
    across.add_pair(other, -1)
    assert across.log_odds(RULES) == pytest.approx(expected)
    assert (across.asked, across.answers, across.different) == (1, 1, 0)


def test_sums_over_two_groups_are_the_sum_of_both() -> None:
    testimony = Statements(RULES, Annotators())
    pairs = [testimony.hear(said(0, other, same=other != 2), 0.1 * other) for other in (1, 2, 3)]
    whole, some, rest = Across(), Across(), Across()
    for pair in pairs:
        whole.add_pair(pair)
    some.add_pair(pairs[0])
    rest.add_pair(pairs[1])
    rest.add_pair(pairs[2])
    some.add(rest)
    assert some.log_odds(RULES) == pytest.approx(whole.log_odds(RULES))
    assert some.annotators == {"ana"}


def test_the_probability_beforehand_is_kept_within_limits() -> None:
    assert RULES.prior(1.0) == pytest.approx(log_odds(RULES.prior_ceiling))
    assert RULES.prior(0.0) == pytest.approx(log_odds(RULES.prior_floor))
    assert RULES.prior(0.5) == 0.0
    assert RULES.prior(None) == pytest.approx(log_odds(RULES.unknown_prior))
    assert ImagePair().prior(RULES) == Across().log_odds(RULES) == RULES.prior(None)


def test_items_know_what_they_were_compared_with() -> None:
    testimony = Statements(RULES, Annotators())
    for other in (5, 2, 5):
        testimony.hear(said(3, other, same=True), None)
    assert testimony.near(3) == [5, 2]
    assert testimony.near(9) == []
    assert testimony.answered_pairs == [(3, 5), (2, 3)] == [key for key, _ in testimony.pairs()]


@given(st.floats(1e-9, 1 - 1e-9))
def test_log_odds_and_probability_undo_each_other(probability: float) -> None:
    assert probability_of(log_odds(probability)) == pytest.approx(probability)


def test_extreme_log_odds_are_certain_and_finite() -> None:
    assert probability_of(1e9) == 1.0
    assert math.isclose(probability_of(-1e9), 0.0, abs_tol=1e-300)


def test_pairs_are_ordered() -> None:
    assert ordered(2, 1) == ordered(1, 2) == (1, 2)
