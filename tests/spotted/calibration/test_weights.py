from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from spotted.arrays import Float64Array
from spotted.calibration.evidence import LOOKS, TERMS, PairEvidence
from spotted.calibration.labels import Labels
from spotted.calibration.starting import product_weights, starting_line
from spotted.calibration.unanswered import Population, represented
from spotted.calibration.weights import (
    LEAST_STEEP,
    Shrinkage,
    Weights,
    _stretched,
    deviations,
    fit_evidence,
    fit_line,
)
from tests.spotted.calibration.surveys import Known, small_survey, with_marks

# the product has no weight of its own beside the others
TRUTH = np.array([-1.0, 1.0, 3.0, 1.0, -0.5, 1.0, 0.5, 0.0, 0.5, -1.0])
FREE = Shrinkage(strength=0.0, monotone=False)


def drawn_pairs(count: int, seed: int) -> PairEvidence:
    rng = np.random.default_rng(seed)
    looks, part, wait = rng.random((3, count))
    distance, gap = part * 20_000, 60 + wait**2 * 5e6
    possible = np.exp(-distance / gap)
    marks = np.where(rng.random(count) < 0.5, np.nan, rng.poisson(5.0, count) / 10.0)
    return PairEvidence(looks, possible, distance, gap, rng.integers(0, 3, count).astype(np.int8), marks)


def design(pairs: PairEvidence) -> Float64Array:
    return np.column_stack([term.of(pairs) for term in TERMS])


def answered(pairs: PairEvidence, seed: int, animals: int = 4000) -> Labels:
    """Labels whose answers are drawn from TRUTH, of animals of which none has many photographs."""
    rng = np.random.default_rng(seed)
    same = rng.random(len(pairs.visual)) < expit(TRUTH[0] + design(pairs) @ TRUTH[1:])
    first = rng.integers(0, animals, len(same))
    ends = np.stack([first, np.where(same, first, first + rng.integers(1, animals, len(same)))], axis=1)
    rows = np.arange(2 * len(same)).reshape(-1, 2)
    return Labels.of(pairs, rows, ends, animals)


def labels(known: Known, candidates: int = 59) -> Labels:
    return Labels.of(*known, candidates)


def test_without_pull_or_bounds_the_answers_weights_are_found_again() -> None:
    pairs = drawn_pairs(20_000, 1)
    found = fit_evidence(answered(pairs, 2), FREE, None)
    # the constant moves with the share of same pairs; what the rest adds up to must not
    slopes, truth = found.log_odds(pairs) - found.placed[0], design(pairs) @ TRUTH[1:]
    assert np.corrcoef(slopes, truth)[0, 1] > 0.99
    assert np.polyfit(truth, slopes, 1)[0] == pytest.approx(1.0, abs=0.1)


def test_without_pull_or_bounds_it_agrees_with_scikit_learn() -> None:
    pairs = drawn_pairs(3000, 3)
    known = answered(pairs, 4)
    used = TRUTH[1:] != 0
    scaled = design(pairs)[:, used] / deviations(pairs)[used]
    reference = LogisticRegression(C=np.inf, tol=1e-8, max_iter=5000)
    reference.fit(scaled, known.same, sample_weight=known.weights)
    expected = reference.predict_proba(scaled)[:, 1]
    assert expit(fit_evidence(known, FREE, None).log_odds(pairs)) == pytest.approx(expected, abs=2e-3)


def test_every_term_that_grows_has_a_weight_from_0_on() -> None:
    pairs, rows, individuals = with_marks(small_survey(12, 5, 0), 0)
    assert pairs.local is not None
    # a survey whose likeliest pairs look least alike and share the fewest marks would have it otherwise
    wrong = replace(pairs, visual=1 - pairs.visual, local=np.nanmax(pairs.local) - pairs.local)
    known = labels((wrong, rows, individuals))
    line, found = fit_line(known, Shrinkage(), None), fit_evidence(known, Shrinkage(), None)
    assert line[1] >= LEAST_STEEP * (1 - 1e-9)
    assert line[2] >= 0
    for weights, terms in ((found.placed, TERMS), (found.unplaced, LOOKS)):
        assert all(w >= 0 for w, term in zip(weights[1:], terms, strict=True) if term.grows)


def test_a_boundless_pull_gives_the_line_of_other_surveys_and_the_order_of_the_product() -> None:
    known = labels(small_survey(12, 5, 1))
    prior = Shrinkage(strength=1e12)
    assert fit_line(known, prior, None) == pytest.approx(starting_line(known.share), abs=1e-6)
    found = fit_evidence(known, prior, None)
    slope = found.unplaced[1]
    line = np.array([0.0, slope, 0.0])
    assert slope >= LEAST_STEEP
    assert found.placed[1:] == pytest.approx(product_weights(line, TERMS)[1:], abs=1e-6)
    assert found.unplaced[1:] == pytest.approx(product_weights(line, LOOKS)[1:], abs=1e-6)


def test_more_labels_outweigh_the_pull() -> None:
    others = small_survey(10, 5, 99)[0]

    def moved(animals: int) -> float:
        known = labels(small_survey(animals, 5, 2), 99)
        free, pulled = (
            fit_evidence(known, Shrinkage(strength=by), None).log_odds(others) for by in (0.1, 5.0)
        )
        return float(np.abs(free - pulled).mean())

    assert moved(40) < moved(6) / 2


def test_marks_count_if_they_tell_animals_apart_and_only_then() -> None:
    def weight(*, telling: bool) -> float:
        found = fit_evidence(
            labels(with_marks(small_survey(15, 5, 3), 1, telling=telling)), Shrinkage(), None
        )
        return float(found.placed[1 + [term.name for term in TERMS].index("marks")])

    assert weight(telling=True) > 2.0 * weight(telling=False)


def test_unknown_marks_change_nothing() -> None:
    pairs, rows, individuals = small_survey(12, 5, 4)
    none = replace(pairs, local=np.full(len(rows), np.nan))
    assert fit_evidence(labels((none, rows, individuals)), Shrinkage(), None).placed == pytest.approx(
        fit_evidence(labels((pairs, rows, individuals)), Shrinkage(), None).placed
    )


def test_pairs_without_place_are_learned_from_by_their_looks() -> None:
    pairs, rows, individuals = small_survey(12, 5, 9)
    nowhere = np.full(len(individuals), np.nan)
    blind = replace(pairs, feasibility=nowhere, distance_m=nowhere, gap_s=nowhere)
    known = labels((blind, rows, individuals))
    found = expit(fit_evidence(known, Shrinkage(), None).log_odds(blind))
    assert found[known.same].mean() > 4 * found[~known.same].mean()


def test_labels_of_one_answer_are_survived() -> None:
    pairs, rows, individuals = small_survey(5, 8, 11)
    different = np.flatnonzero(individuals[:, 0] != individuals[:, 1])
    known = labels((pairs.at((different,)), rows[different], individuals[different]), 39)
    found = fit_evidence(known, Shrinkage(), None)
    assert np.isfinite([*found.placed, *found.unplaced]).all()
    assert expit(found.log_odds(known.pairs)).mean() < 0.01


def test_answers_of_a_session_change_probabilities_by_evidence_and_not_their_order() -> None:
    pairs, rows, individuals = small_survey(14, 5, 2, spread=1.0)
    asked = pairs.visual * pairs.feasibility > np.quantile(pairs.visual * pairs.feasibility, 0.95)
    labels = Labels.of(pairs, rows, np.where(asked[:, None], individuals, -1 - rows), 69, ~asked)
    rng = np.random.default_rng(0)
    plain = Weights(rng.normal(size=len(TERMS) + 1), rng.normal(size=len(LOOKS) + 1))
    stretched = _stretched(plain, labels, Population.of(labels), Shrinkage())
    half = pairs.at((np.arange(len(rows)),))
    half.feasibility[::2] = np.nan
    before, after = plain.log_odds(half), stretched.log_odds(half)
    slope, constant = np.polyfit(before, after, 1)
    assert slope > 0
    np.testing.assert_allclose(after, constant + slope * before)
    survey = Population.of(labels)
    found = fit_evidence(labels, Shrinkage(), represented(labels)).log_odds(pairs)
    assert survey.mass @ expit(found) / survey.mass.sum() == pytest.approx(survey.share, rel=0.1)
