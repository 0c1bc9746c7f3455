from __future__ import annotations

import pytest

from benchmarks.grouping import groups
from benchmarks.grouping.groups import Found, table_of, without_answers
from spotted.evaluation.without_answers import NewAnimals, measure_grouping
from tests.benchmarks.grouping.test_curves import matched
from tests.benchmarks.retrieval.test_scores import survey


def test_groups_are_measured_without_and_with_marks_at_each_threshold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, new = matched(survey(1), [""] * 60), NewAnimals(9, 0.5, 0.5)
    # their calibrations take seconds, and have tests of their own
    monkeypatch.setattr(groups, "measure_new_animals", lambda *_: new)
    without, with_marks = without_answers(one)
    assert without.new is new
    assert without.groups[0.5] == measure_grouping(one.gallery, one.names)
    assert with_marks.groups[0.05] == measure_grouping(one.matched(), one.names, threshold=0.05)
    recalls = [metrics.pair_recall for metrics in with_marks.groups.values()]
    assert recalls == sorted(recalls)
    assert recalls[-1] > recalls[0]


def test_the_table_has_a_line_for_each_threshold_and_none_for_animals_that_were_not_measured() -> None:
    one = matched(survey(1), [""] * 60)
    metrics = measure_grouping(one.gallery, one.names)
    text = table_of([Found("s", "vectors", dict.fromkeys((0.5, 0.1), metrics), None)])
    above, below = text.split("\n\n")
    assert [line.split(" | ")[2] for line in above.splitlines()[2:]] == ["0.5", "0.1"]
    assert len(below.splitlines()) == 2
