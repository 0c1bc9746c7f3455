from __future__ import annotations

import numpy as np
from scipy.special import expit

from spotted.calibration import held_out
from spotted.calibration.held_out import FEWEST_RIVALS, HeldOut, cross_validate, line_weights
from spotted.calibration.labels import Labels
from spotted.calibration.model import expected_calibration_error
from spotted.calibration.starting import starting_line
from spotted.calibration.weights import Shrinkage
from tests.spotted.calibration.surveys import Known, small_survey, with_marks, without_places


def judged(known: Known, candidates: int = 74) -> HeldOut:
    return cross_validate(Labels.of(*known, candidates), Shrinkage())


def test_evidence_that_tells_animals_apart_is_trusted() -> None:
    found = judged(with_marks(small_survey(15, 5, 0, spread=2.0), 0, share=1.0))
    assert found.better
    assert found.gain is not None
    assert found.gain > 0.1
    assert found.product_error is not None
    assert found.evidence_error is not None
    assert found.evidence_error < found.product_error


def test_evidence_that_tells_nothing_is_not_trusted() -> None:
    for seed in range(3):
        looks = without_places(small_survey(15, 5, seed, spread=2.0))
        assert not judged(with_marks(looks, seed, telling=False)).better


def test_few_individuals_are_never_enough() -> None:
    known = with_marks(small_survey(held_out.FEWEST_JUDGED - 1, 5, 0, spread=2.0), 0, share=1.0)
    found = judged(known, 34)
    assert found.gain is not None
    assert found.gain > 0
    assert not found.better


def test_a_gain_within_chance_or_a_loss_at_top_5_is_not_better() -> None:
    individual = np.repeat(np.arange(10.0), 4)

    def hits(first: list[float], five: list[float]) -> np.ndarray:
        return np.column_stack([individual, np.resize(first, 40), np.resize(five, 40)])

    steady = [1.0, 0.0, 1.0, 0.0]
    assert held_out._gain(hits(steady, [0.0])) == (0.5, True)
    assert held_out._gain(hits(steady, [0.0, -1.0])) == (0.5, False)
    # one individual gains what two others lose, and three queries more
    alone = [1.0] * 4 + [-1.0] + [0.0] * 35
    assert held_out._gain(hits(alone, [0.0])) == (3 / 40, True)
    assert held_out._gain(hits([1.0] * 4 + [-1.0] * 2 + [0.0] * 34, [0.0])) == (2 / 40, False)
    assert held_out._gain(hits([1.0] * 12 + [-1.0] * 9 + [0.0] * 19, [0.0])) == (3 / 40, False)
    assert held_out._gain(np.empty((0, 4))) == (None, False)


def test_hits_are_those_of_a_plain_loop() -> None:
    labels = Labels.of(*small_survey(8, 4, 3, spread=1.5), 31)
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(2, len(labels.same))) + labels.same
    own = labels.individuals % 3 == 0
    expected = []
    for query in np.unique(labels.rows):
        ends = labels.rows == query
        if not (ends & own).any():
            continue
        mine, first_five = ends.any(axis=1), []
        for odds in scores:
            best = odds[mine & labels.same].max()
            ahead = (odds[mine & ~labels.same] >= best).sum()
            first_five.append((ahead < 1, ahead < FEWEST_RIVALS))
        gains = [float(new) - float(old) for old, new in zip(*first_five, strict=True)]
        found = float(first_five[0][0])
        expected.append([float(labels.individuals[ends][0]), *gains, found])
    assert held_out._hits(labels, own, *scores).tolist() == expected


def test_the_error_is_near_the_error_on_other_animals() -> None:
    ratios = []
    for seed in range(4):
        known, others = (Labels.of(*small_survey(20, 5, seed + k), 99) for k in (0, 50))
        found = cross_validate(known, Shrinkage())
        weights = held_out._fitted(known, Shrinkage())[1]
        true = expected_calibration_error(expit(weights.log_odds(others.pairs)), others.same)
        assert found.evidence_error is not None
        ratios.append(found.evidence_error / true)
    assert 0.5 < np.mean(ratios) < 3.0


def test_the_error_after_answers_of_a_session_is_near_the_error_on_other_animals() -> None:
    found, true = [], []
    for seed in range(4):
        pairs, rows, individuals = small_survey(16, 7, seed, spread=1.0)
        product = pairs.visual * pairs.feasibility
        asked = product > np.quantile(product, 0.97)
        nobody = np.where(asked[:, None], individuals, -1 - rows)
        labels = Labels.of(pairs, rows, nobody, 111, ~asked)
        error = cross_validate(labels, Shrinkage()).product_error
        assert error is not None
        others, _, truth = small_survey(16, 7, seed + 50, spread=1.0)
        odds = held_out._fitted(labels, Shrinkage())[0].log_odds(others)
        found.append(error)
        true.append(expected_calibration_error(expit(odds), truth[:, 0] == truth[:, 1]))
    assert 0.6 < np.mean(found) / np.mean(true) < 3.0


def test_labels_that_leave_nothing_to_learn_from_are_not_judged() -> None:
    pairs, rows, individuals = small_survey(6, 4, 5)
    different = np.flatnonzero(individuals[:, 0] != individuals[:, 1])
    known = (pairs.at((different,)), rows[different], individuals[different])
    assert judged(known, 23) == HeldOut(None, None, None, better=False, found=0.0)


def test_the_weights_of_a_line_rank_as_the_product() -> None:
    pairs, _, _ = small_survey(6, 4, 6)
    product = pairs.visual * pairs.feasibility
    order = np.argsort(product)
    odds = line_weights(starting_line(0.1)).log_odds(pairs)[order]
    assert (np.diff(odds)[product[order][1:] > 1e-2] >= 0).all()
