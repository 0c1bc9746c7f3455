from __future__ import annotations

import itertools

import numpy as np
import pytest

from spotted.constraints.answers import Answer, LabelledPair
from spotted.constraints.rechecks import find_checks
from spotted.constraints.trust_settings import TrustSettings
from spotted.constraints.verified import Verified

Pair = tuple[int, int]


def add_label(
    state: Verified, pair: Pair, *, same: bool, probability: float | None = None, by: str = "ana"
) -> None:
    answer = Answer.SAME if same else Answer.DIFFERENT
    state.apply(LabelledPair(f"label-{state.answered}", *pair, answer), by, probability)


def chained(state: Verified, items: range, by: str = "ana") -> None:
    for pair in itertools.pairwise(items):
        add_label(state, pair, same=True, probability=0.97, by=by)


def test_without_answers_there_is_nothing_to_check() -> None:
    assert Verified(5).checks("ana", 3) == []


def test_a_pending_pair_is_confirmed_on_another_image_pair() -> None:
    state = Verified(14, TrustSettings(check_share=0.0))
    chained(state, range(8))
    chained(state, range(8, 14))
    add_label(state, (0, 8), same=True, probability=0.9)
    ((first, second, reason),) = state.checks("ana", 1)
    assert (first, second) != (0, 8)
    assert state.component_of(first) != state.component_of(second)
    assert reason == "confirms that they are the same animal; one answer is not enough for groups of 8 and 6"


def test_answers_that_disagree_are_decided_between() -> None:
    state = Verified(6, TrustSettings(check_share=0.0))
    chained(state, range(3))
    chained(state, range(3, 6))
    add_label(state, (0, 3), same=True, probability=0.1)
    add_label(state, (1, 4), same=False)
    ((_, _, reason),) = state.checks("ana", 1)
    assert reason == "decides between answers that disagree about groups of 3 and 3"


def test_two_single_images_are_asked_again_up_to_a_limit() -> None:
    state = Verified(2, TrustSettings(settle_above=0.9999))
    add_label(state, (0, 1), same=True, probability=0.3)
    for _ in range(state.partition.settings.asks - 1):
        ((first, second, _),) = state.checks("ana", 5)
        assert (first, second) == (0, 1)
        add_label(state, (0, 1), same=True)
    assert state.checks("ana", 5) == []


def test_no_check_is_an_excluded_or_an_incomparable_pair() -> None:
    state = Verified(4, TrustSettings(check_share=0.0))
    add_label(state, (0, 1), same=True, probability=0.97)
    add_label(state, (0, 2), same=False, probability=0.9)
    assert state.checks("ana", 1)[0][:2] == (1, 2)
    # the only other image pair between them is the one that was answered
    assert state.checks("ana", 1, {(1, 2)})[0][:2] == (0, 2)
    state.apply(LabelledPair("x", 1, 2, Answer.NOT_COMPARABLE), "ana")
    assert state.checks("ana", 1)[0][:2] == (0, 2)
    assert state.checks("ana", 1, {(0, 2)}) == []


def test_a_contradiction_is_checked_across_its_cheapest_cut_before_all_else() -> None:
    state = Verified(9)
    chained(state, range(6))
    add_label(state, (0, 2), same=True)
    add_label(state, (3, 5), same=True)
    add_label(state, (0, 5), same=False)
    add_label(state, (6, 7), same=False, probability=0.9)
    first, second, reason = state.checks("ana", 1)[0]
    assert {first, second} != {0, 5}
    assert (first in {0, 1, 2}) != (second in {0, 1, 2})
    assert reason == "checks a DIFFERENT answer inside one individual, which may part 3 and 3 of its images"


def test_no_two_checks_of_a_batch_are_about_the_same_two_components() -> None:
    rng = np.random.default_rng(1)
    state = Verified(30)
    for _ in range(60):
        first, second = rng.choice(30, 2, replace=False).tolist()
        add_label(state, (first, second), same=bool(rng.random() < 0.5), probability=0.6)
    found = state.checks("ana", 50)
    about = [frozenset((state.component_of(a), state.component_of(b))) for a, b, _ in found]
    assert len(found) > 3
    assert len(set(about)) == len(about)


def test_what_another_person_answered_is_preferred() -> None:
    state = Verified(4, TrustSettings(check_share=0.0))
    add_label(state, (0, 1), same=False, probability=0.9, by="ana")
    add_label(state, (2, 3), same=False, probability=0.9, by="ben")
    assert [pair[:2] for pair in state.checks("ana", 2)] == [(2, 3), (0, 1)]
    assert [pair[:2] for pair in state.checks("ben", 2)] == [(0, 1), (2, 3)]


def test_audits_cross_the_riskiest_bridge_on_an_unasked_image_pair() -> None:
    state = Verified(8, TrustSettings(audit_risk=0.0, wrong_pairs=10.0, check_share=1.0))
    chained(state, range(4))
    chained(state, range(4, 8))
    # each half is sure; what joins them is the least certain
    for pair in [(0, 2), (1, 3), (0, 3), (4, 6), (5, 7), (4, 7)]:
        add_label(state, pair, same=True)
    add_label(state, (3, 4), same=True, probability=0.6)
    assert state.component_count == 1
    ((first, second, reason),) = state.checks("ana", 1)
    assert (first < 4) != (second < 4)
    assert state.partition.statements.of(first, second) is None
    assert reason.startswith("audits what joins groups of 4 and 4 images")


@pytest.mark.parametrize("share", [0.05, 0.1, 0.3])
def test_audits_are_no_more_than_their_share_of_the_answers(share: float) -> None:
    # of 20 animals with 4 images, every decision is worth an audit
    rules = TrustSettings(
        check_share=share, audit_risk=0.0, reopen_risk=0.0, separate_below=0.4, lost_pairs=9.0
    )
    state = Verified(80, rules)
    truth = np.arange(80) // 4
    open_pairs = itertools.combinations(range(80), 2)
    for _ in range(600):
        asked = [found[:2] for found in state.checks("ana", 1)]
        pair = asked[0] if asked else next(pair for pair in open_pairs if state.is_open(*pair))
        add_label(state, pair, same=bool(truth[pair[0]] == truth[pair[1]]), probability=0.3)
    assert share * state.answered - 2 <= state.check_count <= share * state.answered + 2


def test_blind_questions_repeat_what_was_answered() -> None:
    state = Verified(4)
    add_label(state, (0, 1), same=True, probability=0.97)
    ((first, second, reason),) = state.checks("ana", 5)
    assert (first, second) == (0, 1)
    assert reason == "asks again as before, to learn how often answers repeat"


def test_audits_go_first_to_what_another_person_answered() -> None:
    state = Verified(8, TrustSettings(audit_risk=0.0, check_share=1.0, merge_above=0.9, wrong_pairs=10.0))
    for items, by in ((range(4), "ana"), (range(4, 8), "ben")):
        for pair in itertools.pairwise(items):
            add_label(state, pair, same=True, probability=0.9, by=by)
    # without the blind questions, which take their component
    answered = set(state.partition.statements.answered_pairs)
    asked = {
        who: next(min(a, b) for a, b, why in state.checks(who, 9, answered) if why.startswith("audits"))
        for who in ("ana", "ben")
    }
    assert asked["ana"] >= 4 > asked["ben"]


def test_checks_are_a_function_of_the_partition_and_of_the_counts_of_answers() -> None:
    state = Verified(4)
    add_label(state, (0, 1), same=True, probability=0.97)
    assert state.checks("ana", 5) == find_checks(
        state.partition, state.risky, "ana", 5, answered=state.answered, checked=state.check_count
    )
    # without answers in the budget, nothing that was decided is audited
    assert find_checks(state.partition, state.risky, "ana", 5, answered=0, checked=0) == []
