from __future__ import annotations

import itertools

import pytest

from spotted.constraints.answers import Answer, LabelledPair
from spotted.constraints.risky_decisions import RiskyDecisions, separation_risk, weakest_link
from spotted.constraints.trust_settings import TrustSettings, probability_of
from spotted.constraints.verified import Verified

RULES = TrustSettings(audit_risk=0.0001, reopen_risk=0.0001, wrong_pairs=10.0, large=9)


def add_label(state: Verified, first: int, second: int, *, same: bool, probability: float) -> None:
    answer = Answer.SAME if same else Answer.DIFFERENT
    state.apply(LabelledPair(f"label-{state.answered}", first, second, answer), "ana", probability)


def of_five() -> Verified:
    """One component 0-1-2-3-4, of which 2-3 is the weakest link."""
    state = Verified(7, RULES)
    for first, second in itertools.pairwise(range(5)):
        add_label(state, first, second, same=True, probability=0.6 if first == 2 else 0.95)
    return state


def test_the_weakest_link_has_the_greatest_expected_wrong_pairs() -> None:
    state = of_five()
    found = weakest_link(state.partition, state.component_of(0))
    assert found
    assert {found.near, found.far} == {(0, 1, 2), (3, 4)}
    held = state.partition.statements.of(2, 3)
    assert held
    assert found.risk == pytest.approx(6 * probability_of(-(held.weight + held.prior(RULES))))


def test_an_answer_across_a_link_lowers_its_risk() -> None:
    state = of_five()
    before = weakest_link(state.partition, state.component_of(0))
    add_label(state, 0, 4, same=True, probability=0.9)
    after = weakest_link(state.partition, state.component_of(0))
    assert before
    assert after
    assert after.risk < before.risk / 5


def test_what_was_asked_in_full_is_not_worth_an_audit() -> None:
    state = Verified(3, RULES)
    for first, second in itertools.combinations(range(3), 2):
        add_label(state, first, second, same=True, probability=0.9)
    assert weakest_link(state.partition, state.component_of(0)) is None


def test_a_component_that_is_gone_has_no_links() -> None:
    state = of_five()
    gone = next(item for item in range(5) if item not in state.partition.components)
    assert weakest_link(state.partition, gone) is None


def test_the_risk_of_a_separation_grows_with_the_groups() -> None:
    state = Verified(6, RULES)
    add_label(state, 0, 3, same=False, probability=0.05)
    assert separation_risk(state.partition, 0, 3) == 0.0
    add_label(state, 0, 1, same=True, probability=0.95)
    add_label(state, 3, 4, same=True, probability=0.95)
    ((ours, theirs),) = state.separations().tolist()
    across = state.partition.separation(ours, theirs)
    assert across
    assert separation_risk(state.partition, ours, theirs) == pytest.approx(
        4 * probability_of(across.log_odds(RULES))
    )
    assert separation_risk(state.partition, ours, 5) == 0.0


def test_two_animals_of_one_image_are_beyond_doubt() -> None:
    state = Verified(4, RULES)
    state.forbid(0, 1)
    add_label(state, 0, 2, same=True, probability=0.95)
    assert separation_risk(state.partition, state.component_of(0), 1) == 0.0


def test_doubts_come_riskiest_first_and_follow_the_partition() -> None:
    state = of_five()
    add_label(state, 0, 5, same=False, probability=0.3)
    doubts = RiskyDecisions(state.partition)
    doubts.search_separations()
    found = list(doubts.riskiest())
    assert [doubt.merged for doubt in found].count(False) == 1
    assert [doubt.risk for doubt in found] == sorted((doubt.risk for doubt in found), reverse=True)
    # once it is reopened, the separation is in doubt no more but pending
    while state.implied(0, 5) is Answer.DIFFERENT:
        add_label(state, 1, 5, same=True, probability=0.9)
    assert all(doubt.merged for doubt in doubts.riskiest())
