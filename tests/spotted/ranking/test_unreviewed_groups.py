from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spotted.errors import InvalidInputError
from spotted.ranking import unreviewed_groups
from spotted.ranking.unreviewed_groups import group_unreviewed


def plain(count: int, probability: np.ndarray, image: list[int], threshold: float) -> list[set[int]]:
    """Average linkage by its definition: the two nearest groups are joined, as long as they are near."""
    groups = [{row} for row in range(count)]
    while len(groups) > 1:
        means = {}
        for a, b in itertools.combinations(range(len(groups)), 2):
            between = list(itertools.product(groups[a], groups[b]))
            apart = any(image[i] == image[j] >= 0 for i, j in between)
            means[a, b] = -1.0 if apart else np.mean([probability[i, j] for i, j in between])
        (a, b), best = max(means.items(), key=lambda item: item[1])
        if best < threshold:
            break
        groups[a] |= groups.pop(b)
    return groups


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), threshold=st.floats(0.2, 0.8))
def test_groups_are_those_of_average_linkage_over_all_pairs(seed: int, threshold: float) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 9))
    probability = np.triu(rng.random((count, count)) ** 2 * (rng.random((count, count)) < 0.6), 1)
    image = rng.integers(-1, 3, count)
    first, second = np.nonzero(probability)
    flip = rng.random(len(first)) < 0.5
    ends = np.where(flip, second, first), np.where(flip, first, second)
    found = group_unreviewed(count, *ends, probability[first, second], image=image, threshold=threshold).group
    expected = plain(count, probability + probability.T, image.tolist(), threshold)
    assert {frozenset(np.flatnonzero(found == g).tolist()) for g in set(found.tolist())} == {
        frozenset(one) for one in expected
    }
    firsts = [found.tolist().index(g) for g in range(found.max() + 1)]
    assert firsts == sorted(firsts)


def test_what_is_joined_is_counted_with_how_much_of_it_is_expected_to_be_wrong() -> None:
    first, second = np.array([0, 0, 1, 3]), np.array([1, 2, 2, 4])
    found = group_unreviewed(6, first, second, np.array([0.75, 0.5, 1.0, 0.25]))
    assert found.group.tolist() == [0, 0, 0, 1, 2, 3]
    assert (found.joined_pairs, found.expected_wrong) == (3, 0.75)
    assert found.support[:3].tolist() == [0.625, 0.875, 0.75]
    assert all(map(math.isnan, found.support[3:]))


def test_a_set_too_large_to_compare_is_cut_at_a_higher_probability(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unreviewed_groups, "MOST_TOGETHER", 4)
    # two animals of four photographs, and one weak link between them
    first, second = map(np.array, zip(*itertools.combinations(range(8), 2), strict=True))
    same = (first < 4) == (second < 4)
    probability = np.where(same, 0.95, 0.1)
    probability[(first == 3) & (second == 4)] = 0.6
    assert group_unreviewed(8, first, second, probability).group.tolist() == [0] * 4 + [1] * 4
    # nothing can be said about more photographs than may be compared, all surely of one animal
    assert group_unreviewed(8, first, second, np.ones(len(first))).group.tolist() == list(range(8))


def test_nothing_to_group_and_wrong_thresholds() -> None:
    none = np.empty(0, np.int64)
    assert group_unreviewed(0, none, none, np.empty(0)).group.tolist() == []
    assert group_unreviewed(2, none, none, np.empty(0)).group.tolist() == [0, 1]
    for threshold in (0.0, 1.5, math.nan):
        with pytest.raises(InvalidInputError, match="above 0"):
            group_unreviewed(2, none, none, np.empty(0), threshold=threshold)
