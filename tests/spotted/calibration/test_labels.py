from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spotted.calibration.labels import (
    GUESS_PHOTOGRAPHS,
    USUAL_PARTNERS,
    Labels,
    describe_shortage,
    starting_share,
    thin_pairs,
)
from spotted.errors import InvalidInputError
from tests.spotted.calibration.surveys import Known, among, at, small_survey, with_marks


def labels(known: Known, candidates: int) -> Labels:
    return Labels.of(*known, candidates)


def guessed(partners: float, photographs: float) -> float:
    """The partners of a detection, drawn to the usual number."""
    return (partners * photographs + USUAL_PARTNERS * GUESS_PHOTOGRAPHS) / (photographs + GUESS_PHOTOGRAPHS)


def test_the_share_follows_from_photographs_and_candidates() -> None:
    found = labels(small_survey(8, 5, 5), 400)
    assert found.photographs == dict.fromkeys(range(8), 5)
    assert found.share == pytest.approx(guessed(4, 40) / 400)
    # in sum the labels are as likely as the share says
    assert found.weights[found.same].sum() / found.weights.sum() == pytest.approx(found.share)
    assert found.weights[found.same].sum() == pytest.approx(40)


def test_one_exceptional_animal_counts_as_the_second() -> None:
    known = small_survey(3, 9, 0)
    kept = (known[2] == 0) | (known[1] % 9 < 4)
    found = labels(among(known, kept), 100)
    assert found.photographs == {0: 9, 1: 4, 2: 4}
    assert found.share == pytest.approx(guessed(3, 12) / 100)


def test_animals_seen_once_count_by_being_different() -> None:
    known = small_survey(10, 4, 10)
    once = (known[2] < 5) | (known[1] % 4 == 0)
    found = labels(among(known, once), 39)
    # five animals of four photographs, and five of one
    assert found.share == pytest.approx(guessed(5 * 4 * 3 / 25, 25) / 39)


def test_a_pair_weighs_less_the_more_photographs_its_animals_have() -> None:
    known = small_survey(4, 8, 1)
    kept = (known[2] < 2) | (known[1] % 8 < 2)
    found = labels(among(known, kept), 100)
    within = [found.weights[(found.individuals == animal).all(axis=1)] for animal in range(4)]
    assert [weights.std() for weights in within] == pytest.approx([0.0] * 4)
    assert within[2][0] / within[0][0] == pytest.approx((8 * 8 / (2 * 2)) ** 0.25)


def test_without_labels_the_share_is_the_usual_one_within_limits() -> None:
    assert starting_share(800) == pytest.approx(USUAL_PARTNERS / 800)
    assert starting_share(1) == 0.5


@pytest.mark.parametrize(
    ("same", "different", "animals"), [(19, 500, 19), (500, 19, 40), (20, 20, 4), (0, 30, 0), (0, 0, 0)]
)
def test_what_few_labels_lack_is_said(same: int, different: int, animals: int) -> None:
    met, apart = np.arange(same) % max(animals, 1), np.arange(different)
    ends = np.concatenate([np.stack([met, met], axis=1), np.stack([apart, apart + 1], axis=1)])
    reason = describe_shortage(ends)
    assert f"{same} same and {different} different pairs are known, and {animals} individuals" in reason


def test_just_enough_labels_lack_nothing() -> None:
    met, apart = np.arange(20) % 5, np.arange(20)
    ends = np.concatenate([np.stack([met, met], axis=1), np.stack([apart, apart + 1], axis=1)])
    assert describe_shortage(ends) == ""
    assert describe_shortage(ends[1:]) != ""
    assert describe_shortage(ends[:-1]) != ""


def test_thinning_keeps_same_pairs_up_to_half_and_as_many_others_as_fit() -> None:
    individuals = small_survey(10, 4, 12)[2]
    same = np.flatnonzero(individuals[:, 0] == individuals[:, 1])
    kept = thin_pairs(individuals, np.random.default_rng(0), most=200)
    assert len(kept) == len(set(kept.tolist())) == 200
    assert (np.diff(kept) > 0).all()
    assert set(same.tolist()) <= set(kept.tolist())
    assert (thin_pairs(individuals, np.random.default_rng(0), most=200) == kept).all()
    few = thin_pairs(individuals, np.random.default_rng(0), most=80)
    assert len(few) == 80
    assert np.isin(few, same).sum() == 40


def test_few_pairs_are_all_kept() -> None:
    individuals = small_survey(10, 4, 13)[2]
    assert thin_pairs(individuals, np.random.default_rng(0)).tolist() == [*range(len(individuals))]


@pytest.mark.parametrize("wrong", [-0.1, 1.1, np.nan])
def test_a_visual_similarity_outside_its_range_is_refused(wrong: float) -> None:
    known = small_survey(6, 4, 14)
    known[0].visual[3] = wrong
    with pytest.raises(InvalidInputError, match="outside"):
        labels(known, 23)


def test_a_negative_local_score_is_refused() -> None:
    pairs, rows, individuals = with_marks(small_survey(6, 4, 14), 0)
    assert pairs.local is not None
    with pytest.raises(InvalidInputError, match="use NaN if it is unknown"):
        Labels.of(replace(pairs, local=pairs.local - 100.0), rows, individuals, 23)


def test_shapes_that_do_not_fit_and_no_candidates_are_refused() -> None:
    pairs, rows, individuals = small_survey(6, 4, 15)
    for wrong in ((rows, individuals[:-1]), (rows[:-1], individuals), (rows, individuals[:, :1])):
        with pytest.raises(InvalidInputError, match=r"\(m,\), \(m, 2\) and \(m, 2\)"):
            Labels.of(pairs, *wrong, 23)
    with pytest.raises(InvalidInputError, match="at least 1"):
        Labels.of(pairs, rows, individuals, 0)


def test_pairs_drawn_at_random_stand_for_all_that_nobody_asked_about() -> None:
    known = small_survey(12, 5, 3)
    pairs, rows, individuals = known
    asked = pairs.visual > np.quantile(pairs.visual, 0.8)
    answered = labels(at(known, np.flatnonzero(asked)), 59)
    # the numbers of detections without a label
    nobody = np.where(asked[:, None], individuals, -1 - rows)
    found = Labels.of(pairs, rows, nobody, 59, ~asked)
    assert found.photographs == answered.photographs
    # answers have not found all photographs of an animal yet
    assert found.share == pytest.approx(USUAL_PARTNERS / 59)
    assert found.share > answered.share
    assert not (found.same & found.background).any()
    np.testing.assert_allclose(found.weights[found.same], answered.weights[answered.same])
    assert found.weights.sum() * found.share == pytest.approx(answered.weights.sum() * answered.share)
    different = found.weights[~found.same].sum()
    count = (~found.same & asked).sum()
    assert found.weights[~found.same & asked].sum() / different == pytest.approx(count / (60 * 59 / 2))
    # a part is weighed by the same rule as the whole
    part = found.at(np.arange(len(rows)) % 3 > 0)
    labelled = part.weights[~part.same & ~part.background].sum() / part.weights[~part.same].sum()
    assert labelled == pytest.approx(found.asked)
