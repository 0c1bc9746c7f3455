from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from spotted.arrays import BoolArray
from spotted.calibration.labels import USUAL_PARTNERS, Labels
from spotted.calibration.starting import line_values
from spotted.calibration.unanswered import FEWEST_ANIMALS, LEAST_UNFOUND, Population
from tests.spotted.calibration.surveys import small_survey


def asked(likely: float, seed: int = 0, *, candidates: int = 119) -> tuple[Labels, BoolArray]:
    """The labels of answers about the likeliest pairs with random others, and which of these are SAME."""
    pairs, rows, individuals = small_survey(16, 5, seed, spread=1.0)
    product = pairs.visual * pairs.feasibility
    drawn = product < np.quantile(product, 1 - likely)
    same = individuals[:, 0] == individuals[:, 1]
    nobody = np.where(drawn[:, None], -1 - rows, individuals)
    return Labels.of(pairs, rows, nobody, candidates, drawn), same & drawn


def answered(labels: Labels, *, same: bool) -> Labels:
    """The same labels if all answers were SAME, or none."""
    known = ~labels.background[:, None]
    animals = np.where(known, 0 if same else 1000 + labels.rows, labels.individuals)
    return Labels.of(labels.pairs, labels.rows, animals, labels.candidates, labels.background)


def test_answered_pairs_stand_for_themselves_and_random_ones_for_all_others() -> None:
    labels, _ = asked(0.05)
    survey = Population.of(labels)
    known = ~labels.background
    assert (survey.mass[known] == 1.0).all()
    assert len(np.unique(survey.mass[~known])) == 1
    assert survey.mass.sum() == pytest.approx(120 * 119 / 2)
    assert (survey.truth[known] == labels.same[known]).all()


@pytest.mark.parametrize("factor", [0.7, 1.0, 1.5])
def test_the_survey_has_the_expected_number_of_same_pairs(factor: float) -> None:
    labels, _ = asked(0.02)
    survey = Population.with_shares(labels, [factor])[0]
    assert survey.share == pytest.approx(factor * Population.of(labels).share)
    assert survey.mass @ survey.truth / survey.mass.sum() == pytest.approx(survey.share)
    likely = expit(line_values(labels.pairs) @ survey.line)
    assert survey.mass @ likely / survey.mass.sum() == pytest.approx(survey.share)


def test_a_few_same_pairs_are_left_even_if_answers_found_more_than_expected() -> None:
    labels, _ = asked(0.3)
    survey = Population.with_shares(labels, [0.2])[0]
    drawn = labels.background
    assert labels.same.sum() > survey.share * survey.mass.sum()
    left = survey.mass[drawn] @ survey.truth[drawn]
    assert left == pytest.approx(LEAST_UNFOUND * survey.share * survey.mass.sum())


def test_the_likelier_of_two_unanswered_pairs_is_the_one_with_the_higher_product() -> None:
    labels, same = asked(0.05)
    drawn = labels.background
    survey = Population.of(labels)
    product = labels.pairs.visual * labels.pairs.feasibility
    order = np.argsort(product[drawn])
    clear = product[drawn][order][1:] > 0.05
    assert (np.diff(survey.truth[drawn][order])[clear] >= 0).all()
    assert survey.truth[same].mean() > 1.3 * survey.truth[drawn & ~same].mean()


def test_answers_that_are_seldom_same_lower_the_share_and_others_leave_it() -> None:
    labels, _ = asked(0.02)
    seldom, always = (answered(labels, same=same) for same in (False, True))
    usual = USUAL_PARTNERS / labels.candidates
    assert Population.of(seldom).share < 0.6 * usual
    assert Population.of(replace(always, share=usual)).share == pytest.approx(usual)


def test_a_small_survey_has_a_dozen_animals_unless_answers_show_more_photographs_of_each() -> None:
    labels = answered(asked(0.02, candidates=59)[0], same=True)
    usual = replace(labels, share=USUAL_PARTNERS / 59)
    assert Population.of(usual).share == pytest.approx(1 / FEWEST_ANIMALS)
    assert Population.of(replace(labels, share=0.3)).share == pytest.approx(0.3)


def test_only_random_pairs_have_the_usual_share() -> None:
    labels, _ = asked(0.02)
    drawn = labels.background
    survey = Population.of(labels.at(drawn))
    assert survey.share == labels.share
    assert survey.mass @ survey.truth / survey.mass.sum() == pytest.approx(labels.share)


def test_equal_pairs_are_equally_likely() -> None:
    labels, _ = asked(0.05)
    one = labels.at(np.arange(len(labels.rows)) == np.flatnonzero(labels.background)[0])
    assert Population.of(one).truth.tolist() == pytest.approx([one.share])
