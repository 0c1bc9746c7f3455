from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spotted.evaluation.bootstrap import Interval
from spotted.evaluation.comparison import FUSED, LOCATION
from spotted.evaluation.paper_figures import PUBLISHED, compare_with_paper
from spotted.evaluation.reliability import measure_reliability
from spotted.evaluation.ruled_out import RuledOut
from spotted.reports.evaluation import Evaluation, findings, format_interval, write_evaluation
from spotted.reports.page import Figure
from tests.spotted.compared_surveys import compared


def evaluation(survey_id: str = "LeopardID102") -> Evaluation:
    comparison = compared()
    judged = measure_reliability(np.array([0.2, 0.9]), np.array([False, True]), np.ones(2))
    return Evaluation(
        survey_id,
        comparison,
        hardest=[("d01", "d02", 17)],
        reliability={"calibrated": judged},
        published="LeopardID102",
        paper=compare_with_paper(comparison, PUBLISHED[0]),
        notes=("a note",),
    )


def test_the_json_holds_the_figures_of_the_comparison(tmp_path: Path) -> None:
    one = evaluation()
    write_evaluation(tmp_path, one, [])
    document = json.loads((tmp_path / "report.json").read_text())
    found = one.comparison.overall[FUSED]
    fused = document["scores"][FUSED]
    assert fused["queries"] == found.queries
    assert fused["top"] == {str(k): share.value for k, share in found.top.items()}
    assert fused["intervals"]["top-5"] == [found.top[5].low, found.top[5].high]
    assert document["gains"]["fused over location"]["top"]["5"] == pytest.approx(
        found.top[5].value - one.comparison.overall[LOCATION].top[5].value
    )
    assert document["curves"][FUSED] == one.comparison.curves[FUSED].tolist()
    assert set(document["strata"]) == set(one.comparison.strata)
    assert document["published"]["marks"][0]["paper"] == 0.48
    assert document["hardest"] == [{"query": "d01", "right": "d02", "above": 17}]
    assert document["calibration"]["errors"] == {"calibrated": pytest.approx(0.15)}


def test_the_page_shows_every_table_and_the_papers_figures_beside(tmp_path: Path) -> None:
    write_evaluation(tmp_path, evaluation(), [Figure("One", "caption", b"\x89PNG1")])
    page = (tmp_path / "report.html").read_text()
    for part in (
        "fused over visual",
        "By time between",
        "Compared with the paper",
        "0.48",
        "d02",
        "a note",
        "mAP",
    ):
        assert part in page
    assert "data:image/png;base64,iVBORzE=" in page
    assert "http" not in page


def test_true_matches_that_feasibility_rules_out_come_first(tmp_path: Path) -> None:
    out = replace(evaluation(), ruled_out=RuledOut(pairs=400, ruled_out=60, gap_s=1800.0, distance_m=900.0))
    assert findings(out)[0] == (
        "Feasibility rules out 60 of 400 true matches (15 %), so the fused score cannot find them. Half of "
        "them are at most 30 min and 900 m apart. Try `spotted tune-feasibility LeopardID102`, and check the "
        "clocks of the cameras."
    )
    write_evaluation(tmp_path, out, [])
    page = (tmp_path / "report.html").read_text()
    assert page.index("Feasibility rules out 60 of 400") < page.index("<table")
    assert json.loads((tmp_path / "report.json").read_text())["ruled_out"]["ruled_out"] == 60
    none = findings(replace(out, ruled_out=RuledOut(400, 0)))
    assert none[0] == "Feasibility rules out none of 400 true matches."
    assert len(findings(evaluation())) == 1


def test_figures_say_their_finding_and_details_are_folded(tmp_path: Path) -> None:
    figures = [
        Figure("Curve", "caption", b"\x89PNG1", alt="fused finds 80 %"),
        Figure("Matrix", "a caption of scores", b"\x89PNG2", folded=True),
    ]
    write_evaluation(tmp_path, evaluation(), figures)
    page = (tmp_path / "report.html").read_text()
    assert 'alt="fused finds 80 %"' in page
    assert 'alt="a caption of scores"' in page
    folded = page.index("<details><summary>Details of the scores")
    assert page.index("<h2>Curve") < folded < page.index("<h2>Matrix")
    assert not re.search(r"<th(?! scope=)[ >]", page)
    assert page.count("<details") == page.count("</details>") == 3


def test_a_table_is_not_repeated_if_there_are_no_encounters(tmp_path: Path) -> None:
    one = evaluation()
    title = "Without candidates of the query"
    write_evaluation(tmp_path, one, [])
    assert title in (tmp_path / "report.html").read_text()
    equal = replace(one.comparison, other_encounters=one.comparison.overall)
    write_evaluation(tmp_path, replace(one, comparison=equal), [])
    assert title not in (tmp_path / "report.html").read_text()


def test_no_paper_and_no_calibration_leave_their_tables_out(tmp_path: Path) -> None:
    bare = replace(evaluation(), paper=(), reliability={}, not_calibrated="20 are needed")
    write_evaluation(tmp_path, bare, [])
    page = (tmp_path / "report.html").read_text()
    assert "Compared with the paper" not in page
    assert "20 are needed" in page


def test_a_survey_id_is_text_and_never_markup(tmp_path: Path) -> None:
    write_evaluation(tmp_path, evaluation("<script>"), [])
    assert "<script>" not in (tmp_path / "report.html").read_text()


def test_an_interval_is_shown_if_there_is_one() -> None:
    assert format_interval(Interval(0.5, 0.25, 0.75)) == "0.500 (0.250 to 0.750)"
    assert format_interval(Interval(0.5, math.nan, math.nan)) == "0.500"
    assert format_interval(Interval(math.nan, math.nan, math.nan)) == "no query"


def test_an_interval_of_too_few_animals_is_null(tmp_path: Path) -> None:
    one = evaluation()
    few = replace(one.comparison.overall[FUSED], mean_average_precision=Interval(0.5, math.nan, math.nan))
    write_evaluation(tmp_path, replace(one, comparison=replace(one.comparison, overall={FUSED: few})), [])
    document = json.loads((tmp_path / "report.json").read_text())
    assert document["scores"][FUSED]["intervals"]["mean_average_precision"] is None
