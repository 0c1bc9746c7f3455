from __future__ import annotations

import numpy as np
import pytest

from benchmarks.grouping.shortlists import lines_of, recalls_of, table_of
from benchmarks.local.cost import Cost
from spotted.evaluation.retrieval import measure_retrieval
from spotted.scoring.fusion import Fusion
from tests.benchmarks.grouping.test_curves import matched
from tests.benchmarks.retrieval.test_scores import survey

COST = Cost(
    extraction_s=0.0, bare_extraction_s=None, preparation_s=1.0, shortlist_s=100.0, bare_shortlist_s=None
)


def test_the_true_matches_are_those_of_a_loop_and_all_are_among_all_candidates() -> None:
    one = matched(survey(1), [""] * 60)
    few, every = lines_of(one, [3, 59], COST)
    scores, names = one.gallery.score_pairs, one.names
    listed = set()
    for query in range(60):
        others = np.array([i for i in range(60) if i != query])
        fused = scores(np.full(59, query), others).fused
        best = others[np.lexsort((one.gallery.order[others], -fused))][:3]
        listed |= {frozenset((query, int(row))) for row in best}
    true = [(i, j) for i in range(60) for j in range(60) if i != j and names[i] and names[i] == names[j]]
    assert few.pairs == len(listed)
    assert few.recall.value == pytest.approx(np.mean([frozenset(pair) in listed for pair in true]))
    asking = {i for i, _ in true}
    found = {i for i, j in true if frozenset((i, j)) in listed}
    assert few.reached.value == pytest.approx(len(found) / len(asking))
    assert few.cost_s == pytest.approx(60 * 1.0 + len(listed) * 2.0)
    assert (every.pairs, every.share, every.recall.value) == (60 * 59 // 2, 1.0, 1.0)
    whole = measure_retrieval(one.matched(59), names, fusion=Fusion.LOCAL, ks=(1, 5))
    assert [x.value for x in every.ranking] == pytest.approx(
        [*whole.top.values(), whole.mean_average_precision]
    )


def test_without_photographs_only_the_true_matches_are_measured() -> None:
    known = survey(1)
    lines = list(recalls_of(known, (3, 10)))
    paired = list(lines_of(matched(known, [""] * 60), (3, 10), COST))
    assert [one.recall for one in lines] == [one.recall for one in paired]
    rows = [line.split(" | ") for line in table_of([lines[0], paired[0]]).splitlines()]
    assert {len(row) for row in rows} == {len(rows[0])}
    assert rows[2][-1] == " |"
