from __future__ import annotations

import pytest

from spotted.constraints.answers import Answer, LabelledPair
from spotted.constraints.component_evidence import ComponentEvidence, Evidence
from spotted.constraints.error_rates import Annotators
from spotted.constraints.statements import GivenAnswer, Statements
from spotted.constraints.trust_settings import TrustSettings

RULES = TrustSettings()


def said(first: int, second: int, *, same: bool) -> GivenAnswer:
    answer = Answer.SAME if same else Answer.DIFFERENT
    return GivenAnswer(LabelledPair(f"{first}-{second}", first, second, answer), "ana", again=False)


def test_answers_to_two_image_pairs_count_in_full() -> None:
    statements, across = Statements(RULES, Annotators()), Evidence()
    for other in (1, 2):
        across.add_pair(statements.add(said(0, other, same=True), None))
    once = Annotators().rates("ana").log_odds(same=True)
    assert across.weight == pytest.approx(2 * once)
    assert (across.same, across.different, across.asked) == (2, 0, 2)


def test_what_is_taken_away_leaves_what_was_there() -> None:
    statements, across = Statements(RULES, Annotators()), Evidence()
    kept = statements.add(said(0, 1, same=True), 0.4)
    other = statements.add(said(0, 2, same=False), 0.2)
    across.add_pair(kept)
    expected = across.log_odds(RULES)
    across.add_pair(other)
    assert across.log_odds(RULES) < expected
    across.add_pair(other, -1)
    assert across.log_odds(RULES) == pytest.approx(expected)
    assert (across.asked, across.answers, across.different) == (1, 1, 0)


def test_sums_over_two_groups_are_the_sum_of_both() -> None:
    statements = Statements(RULES, Annotators())
    pairs = [statements.add(said(0, other, same=other != 2), 0.1 * other) for other in (1, 2, 3)]
    whole, some, rest = Evidence(), Evidence(), Evidence()
    for pair in pairs:
        whole.add_pair(pair)
    some.add_pair(pairs[0])
    rest.add_pair(pairs[1])
    rest.add_pair(pairs[2])
    some.add(rest)
    assert some.log_odds(RULES) == pytest.approx(whole.log_odds(RULES))
    assert some.annotators == {"ana"}


def of_components(count: int) -> ComponentEvidence:
    evidence = ComponentEvidence()
    for component in range(count):
        evidence.add_component(component)
    return evidence


def test_evidence_is_the_same_from_both_sides() -> None:
    evidence = of_components(3)
    assert evidence.get(0, 1) is None
    assert evidence.between(0, 1) is evidence.between(1, 0) is evidence.get(1, 0)


def test_a_merge_moves_evidence_and_names_the_pairs_that_met() -> None:
    evidence = of_components(4)
    evidence.between(0, 1)
    for other, weight in ((0, 1.0), (1, 2.0)):
        evidence.between(other, 2).weight = weight
    evidence.between(1, 3)
    evidence.suspend(1, 3)
    evidence.suspend(0, 1)
    assert evidence.merge(0, 1) == [(0, 2)]
    assert evidence.between(0, 2).weight == 3.0
    # what was pending with the one that is gone is pending with the one that remains
    assert [(a, b) for a, b, _ in evidence.pending()] == [(0, 3)]
    assert evidence.is_pending(3, 0)


def test_a_forgotten_component_leaves_nothing_pending() -> None:
    evidence = of_components(3)
    evidence.between(0, 1)
    evidence.suspend(1, 0)
    assert len(evidence) == 1
    evidence.forget(1)
    assert (len(evidence), evidence.get(0, 1)) == (0, None)


def test_one_image_separates_whatever_was_answered() -> None:
    evidence = Evidence(weight=20.0, same=4, asked=4, answers=4, forbidden=1)
    assert not evidence.merges(RULES, 1, 2)
    assert evidence.separates(RULES, 2)


@pytest.mark.parametrize(("answers", "merges"), [(RULES.asks - 1, False), (RULES.asks, True)])
def test_two_single_items_need_less_once_nothing_else_can_be_asked(answers: int, *, merges: bool) -> None:
    evidence = Evidence(weight=3.5, same=1, asked=1, answers=answers)
    assert evidence.merges(RULES, 1, 1) is merges
    assert not evidence.merges(RULES, 1, 2)
