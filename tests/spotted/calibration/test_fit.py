from __future__ import annotations

import numpy as np
import pytest

from spotted.calibration.fit import fit_calibration
from spotted.calibration.kinds import CalibrationKind
from spotted.calibration.labels import FEWEST_INDIVIDUALS
from spotted.calibration.looks import count_marks
from spotted.calibration.model import expected_calibration_error, probability
from spotted.calibration.starting import starting_calibration
from spotted.errors import InvalidInputError
from tests.spotted.calibration.surveys import among, at, small_survey, with_marks, without_places


def test_calibration_holds_on_animals_that_taught_nothing() -> None:
    fitted = fit_calibration(*small_survey(30, 6, 3), candidates=30 * 6 - 1)
    others, _, truth = small_survey(30, 6, 4)
    error = expected_calibration_error(probability(fitted, others), truth[:, 0] == truth[:, 1])
    assert error < 0.02
    assert fitted.held_out_ece == pytest.approx(error, abs=0.015)


def test_random_pairs_correct_what_answers_about_likely_pairs_teach() -> None:
    errors: list[list[float]] = []
    for seed in range(3):
        pairs, rows, individuals = small_survey(16, 8, seed, spread=1.0)
        product = pairs.visual * pairs.feasibility
        asked = product > np.quantile(product, 0.96)
        nobody = np.where(asked[:, None], individuals, -1 - rows)
        answered = fit_calibration(*at((pairs, rows, individuals), np.flatnonzero(asked)), candidates=127)
        both = fit_calibration(pairs, rows, nobody, candidates=127, background=~asked)
        assert (both.same_pairs, both.different_pairs) == (answered.same_pairs, answered.different_pairs)
        others, _, truth = small_survey(16, 8, seed + 10, spread=1.0)
        same = truth[:, 0] == truth[:, 1]
        errors.append(
            [expected_calibration_error(probability(one, others), same) for one in (answered, both)]
        )
    before, after = np.mean(errors, axis=0)
    assert after < 0.75 * before


def test_few_answers_move_the_probabilities_of_other_surveys_towards_the_truth() -> None:
    errors: list[list[float]] = []
    for seed in range(4):
        pairs, rows, individuals = small_survey(12, 9, seed, spread=1.0)
        product = pairs.visual * pairs.feasibility
        asked = product > np.sort(product)[-16]
        nobody = np.where(asked[:, None], individuals, -1 - rows)
        few = fit_calibration(pairs, rows, nobody, candidates=107, background=~asked)
        assert few.kind is CalibrationKind.STARTING
        assert few.same_pairs + few.different_pairs == 15
        assert few.held_out_ece is None
        same = individuals[:, 0] == individuals[:, 1]
        errors.append(
            [
                expected_calibration_error(probability(one, pairs), same)
                for one in (starting_calibration(107), few)
            ]
        )
        order = np.argsort(product)
        clear = (np.diff(product[order]) > 1e-4) & (product[order][1:] > 1e-2)
        assert (np.diff(probability(few, pairs)[order])[clear] > 0).all()
    before, after = np.mean(errors, axis=0)
    assert after < 0.75 * before


def test_random_pairs_are_no_labels() -> None:
    pairs, rows, _ = small_survey(8, 6, 0)
    drawn = np.ones(len(rows), np.bool_)
    assert fit_calibration(pairs, rows, -1 - rows, candidates=47, background=drawn) == starting_calibration(
        47
    )


def test_evidence_decides_if_it_beats_the_product_and_only_then() -> None:
    looks = without_places(small_survey(15, 5, 0, spread=2.0))
    telling, idle = (
        fit_calibration(*with_marks(looks, 0, telling=tell), candidates=74) for tell in (True, False)
    )
    assert telling.kind is CalibrationKind.EVIDENCE
    assert telling.held_out_gain is not None
    assert telling.held_out_gain > 0.1
    assert idle.kind is CalibrationKind.PRODUCT


@pytest.mark.parametrize("seed", range(3))
def test_marks_never_cost_what_other_evidence_gains(seed: int) -> None:
    known = small_survey(14, 5, seed, spread=1.5)
    without = fit_calibration(*known, candidates=69)
    misled = fit_calibration(*with_marks(known, seed, telling=False), candidates=69)
    telling = fit_calibration(*with_marks(known, seed), candidates=69)
    assert misled.held_out_gain is not None
    assert without.held_out_gain is not None
    assert telling.held_out_gain is not None
    if without.kind is CalibrationKind.EVIDENCE:
        assert misled.held_out_gain >= without.held_out_gain
    assert telling.uses_marks
    assert telling.held_out_gain > without.held_out_gain


def test_a_calibration_of_the_product_ranks_as_it() -> None:
    looks = with_marks(without_places(small_survey(12, 5, 1, spread=2.0)), 0, telling=False)
    fitted = fit_calibration(*looks, candidates=59)
    assert fitted.kind is CalibrationKind.PRODUCT
    # the places were unknown when it was fitted, and its order is still that of the product with them
    for pairs in (looks[0], small_survey(12, 5, 1)[0]):
        alike = pairs.visual if pairs.local is None else count_marks(pairs.visual, pairs.local)
        product = alike * np.where(pairs.placed(), pairs.feasibility, 1.0)
        order = np.argsort(product)
        clear = (np.diff(product[order]) > 1e-4) & (product[order][1:] > 1e-2)
        assert (np.diff(probability(fitted, pairs)[order])[clear] > 0).all()


def test_few_labels_start_with_what_other_surveys_taught() -> None:
    known = small_survey(FEWEST_INDIVIDUALS, 6, 2)
    few = among(known, known[2] < FEWEST_INDIVIDUALS - 1)
    assert fit_calibration(*few, candidates=400) == starting_calibration(400)
    none = at(known, np.empty(0, np.int64))
    assert fit_calibration(*none, candidates=400) == starting_calibration(400)
    assert fit_calibration(*known, candidates=400).kind is not CalibrationKind.STARTING


def test_equal_labels_in_any_order_give_equal_bytes() -> None:
    known = with_marks(small_survey(10, 4, 7), 7)
    order = np.random.default_rng(0).permutation(len(known[1]))
    once = fit_calibration(*known, candidates=39)
    assert fit_calibration(*known, candidates=39).to_json() == once.to_json()
    shuffled = fit_calibration(*at(known, order), candidates=39)
    assert shuffled.placed == pytest.approx(once.placed, rel=1e-4, abs=1e-6)


def test_the_names_of_individuals_do_not_matter() -> None:
    pairs, rows, individuals = small_survey(10, 4, 8)
    renamed = fit_calibration(pairs, rows, individuals * 7 + 100, candidates=39)
    assert renamed == fit_calibration(pairs, rows, individuals, candidates=39)


def test_what_it_was_fitted_to_is_counted() -> None:
    fitted = fit_calibration(*small_survey(8, 5, 5), candidates=400)
    assert (fitted.individuals, fitted.same_pairs, fitted.different_pairs) == (8, 80, 780 - 80)


def test_bad_labels_are_refused_even_if_they_are_few() -> None:
    pairs, rows, individuals = small_survey(2, 2, 0)
    pairs.visual[0] = 2.0
    with pytest.raises(InvalidInputError, match="outside"):
        fit_calibration(pairs, rows, individuals, candidates=3)
