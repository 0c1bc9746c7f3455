from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from spotted.arrays import Float64Array, IntArray
from spotted.calibration import fit
from spotted.calibration.evidence import LOOKS, TERMS, PairEvidence
from spotted.calibration.fit import Shrinkage, describe_shortage, fit_calibration, thin_pairs
from spotted.calibration.model import expected_calibration_error, log_odds, probability
from spotted.errors import InvalidInputError, PreconditionError

PLACED = np.array([-1.0, 1.0, 3.0, 1.0, 1.0, -0.5, 0.5, 0.5, 2.0, -1.0, 0.5])


def drawn_pairs(count: int, seed: int) -> PairEvidence:
    rng = np.random.default_rng(seed)
    looks, part, wait = rng.random((3, count))
    distance, gap = part * 20_000, 60 + wait**2 * 5e6
    possible = np.exp(-distance / gap)
    return PairEvidence(looks, possible, distance, gap, rng.integers(0, 3, count).astype(np.int8))


def design(pairs: PairEvidence) -> Float64Array:
    return np.column_stack([term.of(pairs) for term in TERMS])


def answered(pairs: PairEvidence, seed: int, animals: int = 4000) -> IntArray:
    """Individuals so that the answers are drawn from PLACED and no animal has many photographs."""
    rng = np.random.default_rng(seed)
    same = rng.random(len(pairs.visual)) < expit(PLACED[0] + design(pairs) @ PLACED[1:])
    first = rng.integers(0, animals, len(same))
    return np.stack([first, np.where(same, first, first + rng.integers(1, animals, len(same)))], axis=1)


def small_survey(animals: int, photographs: int, seed: int) -> tuple[PairEvidence, IntArray]:
    """All pairs of a survey whose animals look alike and stay near their homes."""
    rng = np.random.default_rng(seed)
    animal = np.repeat(np.arange(animals), photographs)
    count = len(animal)
    look = rng.normal(size=(animals, 6))[animal] + 0.7 * rng.normal(size=(count, 6))
    look /= np.linalg.norm(look, axis=1, keepdims=True)
    place = rng.uniform(0, 20_000, (animals, 2))[animal] + rng.normal(0, 2000, (count, 2))
    time = rng.uniform(0, 5e6, count)
    first, second = np.triu_indices(count, 1)
    distance = np.hypot(*(place[first] - place[second]).T)
    gap = np.abs(time[first] - time[second])
    return PairEvidence(
        np.clip((look[first] * look[second]).sum(axis=1), 0, 1),
        np.exp(-(distance / 28_000) / (gap / 5e6)),
        distance,
        gap,
        np.full(len(first), 2, dtype=np.int8),
    ), np.stack([animal[first], animal[second]], axis=1)


def test_without_pull_or_bounds_the_answers_weights_are_found_again() -> None:
    pairs = drawn_pairs(40_000, 1)
    individuals = answered(pairs, 2)
    fitted = fit_calibration(
        pairs, individuals, candidates=4000, shrinkage=Shrinkage(strength=0.0, monotone=False)
    )
    # the constant moves with the share of same pairs; what the rest adds up to must not
    slopes = log_odds(fitted, pairs) - fitted.placed[0]
    truth = design(pairs) @ PLACED[1:]
    assert np.corrcoef(slopes, truth)[0, 1] > 0.99
    assert np.polyfit(truth, slopes, 1)[0] == pytest.approx(1.0, abs=0.1)


def test_without_pull_or_bounds_it_agrees_with_scikit_learn() -> None:
    pairs = drawn_pairs(5000, 3)
    individuals = answered(pairs, 4)
    fitted = fit_calibration(
        pairs, individuals, candidates=4000, shrinkage=Shrinkage(strength=0.0, monotone=False)
    )
    labels = fit._labelled(pairs, individuals, 4000)
    # exactly dependent columns have many solutions, so probabilities are compared
    scaled = design(pairs) / design(pairs).std(axis=0)
    reference = LogisticRegression(C=np.inf, tol=1e-8, max_iter=5000)
    reference.fit(scaled, labels.same, sample_weight=labels.weights)
    expected = reference.predict_proba(scaled)[:, 1]
    assert probability(fitted, pairs) == pytest.approx(expected, abs=2e-3)


def test_every_term_that_grows_has_a_weight_from_0_on() -> None:
    pairs, individuals = small_survey(12, 5, 0)
    # in a survey whose likeliest pairs look least alike would have it otherwise
    fitted = fit_calibration(replace(pairs, visual=1 - pairs.visual), individuals, candidates=59)
    for weights, terms in ((fitted.placed, TERMS), (fitted.unplaced, LOOKS)):
        assert all(w >= 0 for w, term in zip(weights[1:], terms, strict=True) if term.grows)


def test_a_boundless_pull_ranks_as_the_product() -> None:
    pairs, individuals = small_survey(12, 5, 1)
    fitted = fit_calibration(pairs, individuals, candidates=59, shrinkage=Shrinkage(strength=1e12))
    above = (pairs.visual > 2e-3) & (pairs.feasibility > 1e-5)
    product = (pairs.visual * pairs.feasibility)[above]
    found = log_odds(fitted, pairs)[above]
    order = np.argsort(product)
    steps = np.diff(product[order]) > 1e-4
    assert (np.diff(found[order])[steps] > 0).all()


def test_more_labels_outweigh_the_pull() -> None:
    others, _ = small_survey(10, 5, 99)

    def moved(animals: int) -> float:
        pairs, individuals = small_survey(animals, 5, 2)
        free, pulled = (
            log_odds(fit_calibration(pairs, individuals, candidates=99, shrinkage=by), others)
            for by in (Shrinkage(strength=0.1), Shrinkage(strength=5.0))
        )
        return float(np.abs(free - pulled).mean())

    assert moved(40) < moved(6) / 2


def test_calibration_holds_on_animals_that_taught_nothing() -> None:
    pairs, individuals = small_survey(30, 6, 3)
    fitted = fit_calibration(pairs, individuals, candidates=30 * 6 - 1)
    others, truth = small_survey(30, 6, 4)
    same = truth[:, 0] == truth[:, 1]
    assert expected_calibration_error(probability(fitted, others), same) < 0.02
    assert fitted.held_out_ece < 0.02


def test_the_share_follows_from_photographs_and_candidates() -> None:
    pairs, individuals = small_survey(8, 5, 5)
    fitted = fit_calibration(pairs, individuals, candidates=400)
    assert fitted.share == pytest.approx(4 / 400)
    assert fitted.individuals == 8
    assert fitted.same_pairs == 8 * 10
    assert fitted.different_pairs == len(individuals) - 80
    # in sum the labels are as likely as the share says
    labels = fit._labelled(pairs, individuals, 400)
    assert labels.weights[labels.same].sum() / labels.weights.sum() == pytest.approx(4 / 400)
    assert labels.weights[labels.same].sum() == pytest.approx(40)


def test_one_exceptional_animal_counts_as_the_second() -> None:
    assert fit._partners(np.array([50.0, 4.0, 2.0])) == pytest.approx((12 + 12 + 2) / 10)


def test_the_share_does_not_depend_on_how_many_animals_are_labelled() -> None:
    pairs, individuals = small_survey(20, 5, 6)
    few = np.flatnonzero((individuals < 8).all(axis=1))
    whole = fit_calibration(pairs, individuals, candidates=99)
    part = fit_calibration(pairs.at((few,)), individuals[few], candidates=99)
    assert part.share == pytest.approx(whole.share)


def test_equal_labels_in_any_order_give_equal_bytes() -> None:
    pairs, individuals = small_survey(10, 4, 7)
    order = np.random.default_rng(0).permutation(len(individuals))
    once = fit_calibration(pairs, individuals, candidates=39)
    assert fit_calibration(pairs, individuals, candidates=39).to_json() == once.to_json()
    shuffled = fit_calibration(pairs.at((order,)), individuals[order], candidates=39)
    assert shuffled.placed == pytest.approx(once.placed, rel=1e-4, abs=1e-6)


def test_the_names_of_individuals_do_not_matter() -> None:
    pairs, individuals = small_survey(10, 4, 8)
    renamed = fit_calibration(pairs, individuals * 7 + 100, candidates=39)
    assert renamed == fit_calibration(pairs, individuals, candidates=39)


def test_pairs_without_place_are_learned_from_by_their_looks() -> None:
    pairs, individuals = small_survey(12, 5, 9)
    nowhere = np.full(len(individuals), np.nan)
    blind = fit_calibration(
        replace(pairs, feasibility=nowhere, distance_m=nowhere, gap_s=nowhere), individuals, candidates=59
    )
    found = probability(blind, replace(pairs, distance_m=nowhere))
    same = individuals[:, 0] == individuals[:, 1]
    assert found[same].mean() > 4 * found[~same].mean()
    assert np.isfinite(blind.placed).all()


@pytest.mark.parametrize(
    ("same", "different", "animals"), [(19, 500, 19), (500, 19, 40), (20, 20, 4), (0, 30, 0), (0, 0, 0)]
)
def test_few_labels_fall_back_and_say_why(same: int, different: int, animals: int) -> None:
    met = np.arange(same) % max(animals, 1)
    apart = np.arange(different)
    ends = np.concatenate([np.stack([met, met], axis=1), np.stack([apart, apart + 1], axis=1)])
    reason = describe_shortage(ends)
    assert f"{same} same and {different} different pairs are known, and {animals} individuals" in reason
    assert "the product is used" in reason
    with pytest.raises(PreconditionError) as caught:
        fit_calibration(drawn_pairs(len(ends), 0), ends, candidates=10)
    assert str(caught.value) == reason


def test_just_enough_labels_lack_nothing() -> None:
    met, apart = np.arange(20) % 5, np.arange(20)
    ends = np.concatenate([np.stack([met, met], axis=1), np.stack([apart, apart + 1], axis=1)])
    assert describe_shortage(ends) == ""
    assert describe_shortage(ends[1:]) != ""
    assert describe_shortage(ends[:-1]) != ""


def test_animals_seen_once_teach_by_being_different() -> None:
    pairs, individuals = small_survey(10, 4, 10)
    once = (individuals[:, 0] != individuals[:, 1]) | (individuals[:, 0] < 5)
    fitted = fit_calibration(pairs.at(once), individuals[once], candidates=39)
    # five animals of four photographs, and five of which no two are known to show them
    assert fitted.share == pytest.approx((5 * 4 * 3) / (5 * 4 + 5) / 39)


def test_a_group_whose_absence_leaves_no_same_pair_is_survived() -> None:
    pairs, individuals = small_survey(5, 8, 11)
    labels = fit._labelled(pairs, individuals, 39)
    different = ~labels.same
    alone = fit._labelled(pairs.at(different), individuals[different], 39)
    placed, unplaced = fit._fit(alone, Shrinkage())
    assert np.isfinite([*placed, *unplaced]).all()
    assert expit(placed[0]) < 1e-3


def test_thinning_keeps_every_same_pair_and_as_many_others_as_fit() -> None:
    _, individuals = small_survey(10, 4, 12)
    same = individuals[:, 0] == individuals[:, 1]
    kept = thin_pairs(individuals, np.random.default_rng(0), most=200)
    assert len(kept) == len(set(kept.tolist())) == 200
    assert (np.diff(kept) > 0).all()
    assert set(np.flatnonzero(same).tolist()) <= set(kept.tolist())
    assert (thin_pairs(individuals, np.random.default_rng(0), most=200) == kept).all()


def test_thinning_keeps_few_pairs_and_never_drops_a_same_one() -> None:
    _, individuals = small_survey(10, 4, 13)
    same = np.flatnonzero(individuals[:, 0] == individuals[:, 1])
    assert thin_pairs(individuals, np.random.default_rng(0)).tolist() == [*range(len(individuals))]
    assert thin_pairs(individuals, np.random.default_rng(0), most=1).tolist() == same.tolist()


@pytest.mark.parametrize("wrong", [-0.1, 1.1, np.nan])
def test_a_visual_similarity_outside_its_range_is_refused(wrong: float) -> None:
    pairs, individuals = small_survey(6, 4, 14)
    pairs.visual[3] = wrong
    with pytest.raises(InvalidInputError, match="outside"):
        fit_calibration(pairs, individuals, candidates=23)


def test_shapes_that_do_not_fit_are_refused() -> None:
    pairs, individuals = small_survey(6, 4, 15)
    with pytest.raises(InvalidInputError, match=r"\(m,\) and \(m, 2\)"):
        fit_calibration(pairs, individuals[:-1], candidates=23)
    with pytest.raises(InvalidInputError, match=r"\(m,\) and \(m, 2\)"):
        fit_calibration(pairs, individuals[:, :1], candidates=23)


def test_a_survey_without_candidates_is_refused() -> None:
    pairs, individuals = small_survey(6, 4, 16)
    with pytest.raises(InvalidInputError, match="at least 1"):
        fit_calibration(pairs, individuals, candidates=0)
