from __future__ import annotations

import pytest

from spotted.evaluation.comparison import FUSED, LOCATION, VISUAL
from spotted.evaluation.paper_figures import PUBLISHED, compare_with_paper, find_paper_figures
from spotted.formats.published_sets import PUBLISHED as SETS
from tests.spotted.compared_surveys import compared


def test_every_published_set_has_its_marks() -> None:
    assert {marks.survey for marks in PUBLISHED} == set(SETS)


@pytest.mark.parametrize(
    ("name", "survey"),
    [
        ("leopard-id102", "LeopardID102"),
        ("my SpottedHyenaID_415 copy", "SpottedHyenaID415"),
        ("hyenas", None),
    ],
)
def test_a_set_is_known_by_its_name_however_written(name: str, survey: str | None) -> None:
    marks = find_paper_figures(["", name])
    assert (marks.survey if marks else None) == survey


def test_ours_stand_beside_the_papers() -> None:
    comparison = compared()
    rows = compare_with_paper(comparison, PUBLISHED[0])
    assert [row.paper for row in rows] == [0.48, 0.97, 0.09]
    overall = comparison.overall
    assert [row.measured for row in rows[:2]] == [overall[LOCATION].top[1], overall[LOCATION].top[20]]
    best = max(overall[VISUAL].top[5].value, overall[LOCATION].top[5].value)
    assert rows[2].measured.value == pytest.approx(overall[FUSED].top[5].value - best)
