from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotted.errors import InvalidInputError
from spotted.evaluation.partition import measure_partition
from spotted.simulation.agreement import measure_agreement, true_positives

items = st.lists(st.tuples(st.integers(0, 5), st.integers(-1, 4)), min_size=1, max_size=25)


@given(items)
def test_the_contingency_table_equals_counting_item_by_item(rows: list[tuple[int, int]]) -> None:
    found, truth = np.array(rows, dtype=np.int64).T
    named = [str(f) for f in found], [str(t) for t in truth]
    compared = measure_agreement(found, truth)
    metrics = measure_partition(*named)
    pairs = metrics.pair_precision, metrics.pair_recall
    assert (compared.pair_precision, compared.pair_recall) == pytest.approx(pairs)
    items_of = metrics.b_cubed_precision, metrics.b_cubed_recall
    assert (compared.b_cubed_precision, compared.b_cubed_recall) == pytest.approx(items_of)
    assert compared.surplus == len(set(found.tolist())) - len(set(truth.tolist()))
    both = [(found[a] == found[b]) and (truth[a] == truth[b]) for b in range(len(found)) for a in range(b)]
    assert true_positives(found, truth) == sum(both)


def test_partitions_of_different_items_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="give one of each per item"):
        measure_agreement(np.zeros(2, dtype=np.int64), np.zeros(3, dtype=np.int64))
