from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from spotted.constraints.error_rates import Annotators, ErrorRates, Verdict, repeat_agreement


def test_an_answer_weighs_the_log_ratio_of_its_chances() -> None:
    rates = ErrorRates(false_same=0.1, false_different=0.2)
    assert rates.log_odds(same=True) == pytest.approx(math.log(0.8 / 0.1))
    assert rates.log_odds(same=False) == pytest.approx(math.log(0.2 / 0.9))


def test_an_annotator_who_errs_half_of_the_time_says_nothing() -> None:
    rates = ErrorRates(0.5, 0.5)
    assert rates.log_odds(same=True) == rates.log_odds(same=False) == 0.0


def test_somebody_new_has_the_usual_rates() -> None:
    annotators = Annotators(rate=0.03)
    annotators.learn([Verdict("ana", True, True, True)] * 10)
    assert annotators.rates("ben") == ErrorRates(0.03, 0.03)
    assert annotators.rates("ana").false_different < 0.03


def test_rates_are_the_mean_of_a_beta_posterior() -> None:
    annotators = Annotators(rate=0.02, strength=50.0)
    annotators.learn([Verdict("ana", True, True, True)] * 40 + [Verdict("ana", False, True, True)] * 10)
    assert annotators.rates("ana").false_different == pytest.approx((1.0 + 10) / (50 + 50))
    assert annotators.rates("ana").false_same == pytest.approx(0.02)


def test_rates_stay_between_the_floor_and_one_half() -> None:
    annotators = Annotators(floor=0.01)
    annotators.learn(
        [Verdict("ana", True, True, True)] * 10_000 + [Verdict("ben", False, True, True)] * 10_000
    )
    assert annotators.rates("ana").false_different == 0.01
    assert annotators.rates("ben").false_different == 0.5


def test_answers_that_nobody_checked_teach_nothing() -> None:
    annotators = Annotators()
    annotators.learn([Verdict("ana", True, True, False), Verdict("ana", False, False, False)] * 500)
    assert annotators.rates("ana") == annotators.rates("nobody")


def test_rates_come_near_those_that_answers_were_drawn_with() -> None:
    rng = np.random.default_rng(5)
    drawn = {"careful": (0.005, 0.01), "hasty": (0.12, 0.08)}
    verdicts = []
    for who, (false_same, false_different) in drawn.items():
        for _ in range(4_000):
            same = bool(rng.random() < 0.5)
            said = same ^ bool(rng.random() < (false_different if same else false_same))
            verdicts.append(Verdict(who, said, same, again=bool(rng.random() < 0.5)))
    annotators = Annotators()
    annotators.learn(verdicts)
    for who, (false_same, false_different) in drawn.items():
        assert annotators.rates(who).false_same == pytest.approx(false_same, abs=0.015)
        assert annotators.rates(who).false_different == pytest.approx(false_different, abs=0.015)


def test_what_is_learned_depends_on_no_order() -> None:
    verdicts = [
        Verdict(who, said, truth, again)
        for who in ("ana", "ben")
        for said, truth, again in ((True, True, True), (True, False, True), (False, False, False))
    ]
    forwards, backwards = Annotators(), Annotators()
    forwards.learn(verdicts)
    backwards.learn(verdicts[::-1])
    assert [forwards.rates(who) for who in ("ana", "ben")] == [backwards.rates(w) for w in ("ana", "ben")]


def test_kappa_is_that_of_a_table_worked_by_hand() -> None:
    # 20 twice SAME, 15 twice DIFFERENT, 15 not alike: observed .7, by chance .5
    seen = Counter({(True, True): 20, (True, False): 5, (False, True): 10, (False, False): 15})
    found = repeat_agreement(seen)
    assert found.answered_twice == 50
    assert found.alike == pytest.approx(0.7)
    assert found.kappa == pytest.approx(0.4)


def test_agreement_without_second_answers_is_unknown() -> None:
    found = Annotators().agreement()
    assert found.answered_twice == 0
    assert math.isnan(found.alike)
    assert math.isnan(found.kappa)


def test_kappa_is_unknown_if_chance_always_agrees() -> None:
    annotators = Annotators()
    annotators.compare(before=True, now=True)
    assert annotators.agreement().alike == 1.0
    assert math.isnan(annotators.agreement().kappa)


def test_answers_are_counted_by_annotator() -> None:
    annotators = Annotators()
    for who in ("ben", "ana", "ben"):
        annotators.count(who)
    assert annotators.answers() == {"ana": 1, "ben": 2}
