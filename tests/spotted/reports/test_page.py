from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from spotted.reports.page import Figure, SurveyFigures, finding, write_report

QUESTIONS = {"0.90": 10, "0.95": 20, "0.99": None}


def measured(label: str = "simulated", **changed: str) -> SurveyFigures:
    return SurveyFigures(
        survey_id=changed.get("survey_id", "demo"),
        label=label,
        detections=30,
        cameras=5,
        individuals_true=7,
        individuals_found=8,
        top1={"visual": 0.1, "location": 0.2, "fused": 0.3},
        top5={"visual": 0.4, "location": 0.5, "fused": 0.6},
        queries_to=QUESTIONS,
        greedy_visual_queries_to={"0.90": 30, "0.95": 40, "0.99": 50},
        notes=("a note",),
    )


def test_the_json_holds_every_promised_key(tmp_path: Path) -> None:
    write_report(tmp_path, measured(), [])
    document = json.loads((tmp_path / "report.json").read_text())
    assert document["detections"] == 30
    assert (document["individuals_true"], document["individuals_found"]) == (7, 8)
    assert set(document["top1"]) == set(document["top5"]) == {"visual", "location", "fused"}
    assert document["queries_to"] == QUESTIONS
    assert document["greedy_visual_queries_to"] == {"0.90": 30, "0.95": 40, "0.99": 50}
    # 20 answers at 5.78 a minute
    assert document["hours_to"] == {"0.90": 0.03, "0.95": 0.06, "0.99": None}


@pytest.mark.parametrize("label", ["simulated", "composite"])
def test_the_page_says_what_the_survey_is(tmp_path: Path, label: str) -> None:
    write_report(tmp_path, measured(label), [])
    page = (tmp_path / "report.html").read_text()
    assert f'<span class="label">{label}</span>' in page
    assert "not reached" in page


def test_the_page_needs_no_network_and_carries_its_pictures(tmp_path: Path) -> None:
    figures = [Figure("One", "caption", b"\x89PNG1"), Figure("Two", "caption", b"\xff\xd8jpeg")]
    write_report(tmp_path, measured(), figures)
    page = (tmp_path / "report.html").read_text()
    assert "data:image/png;base64,iVBORzE=" in page
    assert "data:image/jpeg;base64," in page
    assert "http" not in page


def test_a_survey_id_is_text_and_never_markup(tmp_path: Path) -> None:
    write_report(tmp_path, measured(survey_id="<script>"), [])
    assert "<script>" not in (tmp_path / "report.html").read_text()


def test_a_share_of_no_query_is_null_and_the_document_stays_json(tmp_path: Path) -> None:
    write_report(tmp_path, replace(measured(), top5={"visual": math.nan}, top1={"visual": math.nan}), [])

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    document = json.loads((tmp_path / "report.json").read_text(), parse_constant=refuse)
    assert document["top5"] == {"visual": None}
    page = (tmp_path / "report.html").read_text()
    assert "no query" in page
    assert "nan" not in page


def test_the_finding_stands_before_the_tables(tmp_path: Path) -> None:
    write_report(tmp_path, measured(), [])
    page = (tmp_path / "report.html").read_text()
    said = "20 questions find 95 % of all matches; in the order of visual similarity it takes 40."
    assert page.index(said) < page.index("<table")
    assert finding(replace(measured(), greedy_visual_queries_to={"0.95": None})).endswith(
        "it takes more than were asked."
    )
    assert finding(replace(measured(), queries_to={"0.90": 10, "0.95": None})).startswith(
        "10 questions find 90 %"
    )
    assert "not find enough" in finding(replace(measured(), queries_to={"0.95": None}))


def test_the_page_says_how_it_was_made_and_what_it_is_not(tmp_path: Path) -> None:
    write_report(tmp_path, measured(), [])
    page = (tmp_path / "report.html").read_text()
    assert "How this was made" in page
    assert "Limits of these figures" in page
    assert "a note" in page
