import numpy as np
import pytest

from spotted.errors import PreconditionError
from spotted.training.methods.examples import self_supervised_examples, supervised_examples
from spotted.training.methods.names import find_method
from spotted.training.pairs.temporal import TemporalPairs

NOTHING = np.zeros(2)
PAIRS = TemporalPairs(np.array([0, 3]), np.array([1, 2]), NOTHING, NOTHING, NOTHING > 0, 2, 0)
ALL = np.ones(4, dtype=np.bool_)
NO_PAIRS = TemporalPairs(np.zeros(0, int), np.zeros(0, int), NOTHING[:0], NOTHING[:0], NOTHING[:0] > 0, 0, 0)


def test_views_are_pairs_or_single_photographs_or_both() -> None:
    simclr = find_method("simclr")
    pairs = self_supervised_examples(simclr, PAIRS, ALL, "pairs")
    single = self_supervised_examples(simclr, PAIRS, ALL, "photographs")
    both = self_supervised_examples(simclr, PAIRS, ALL, "both")
    assert pairs.rows.tolist() == [[0, 1], [3, 2]]
    assert single.rows.tolist() == [[row, row] for row in range(4)]
    assert both.rows.tolist() == pairs.rows.tolist() + single.rows.tolist()
    assert both.labels.tolist() == [-1] * 6


def test_a_pair_of_which_one_photograph_cannot_be_used_is_left_out() -> None:
    simclr, usable = find_method("simclr"), np.array([True, True, False, True])
    both = self_supervised_examples(simclr, PAIRS, usable, "both")
    assert both.rows.tolist() == [[0, 1], [0, 0], [1, 1], [3, 3]]


def test_without_pairs_only_single_photographs_can_be_learnt_from() -> None:
    simclr = find_method("simclr")
    assert len(self_supervised_examples(simclr, NO_PAIRS, ALL, "photographs")) == 4
    with pytest.raises(
        PreconditionError, match="no temporal pair is left to learn from; lower the least overlap"
    ):
        self_supervised_examples(simclr, NO_PAIRS, ALL, "both")


def test_supervised_examples_are_the_photographs_with_a_class() -> None:
    found = supervised_examples(find_method("supcon"), np.array([2, -1, 0, 2]))
    assert found.rows.tolist() == [[0, 0], [2, 2], [3, 3]]
    assert found.labels.tolist() == [2, 0, 2]
    with pytest.raises(PreconditionError, match="Triplet learns from names"):
        supervised_examples(find_method("triplet"), np.array([1, 1, -1]))
