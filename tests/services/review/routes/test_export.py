from __future__ import annotations

import csv

import pytest

from services.review.routes.export import as_csv
from spotted.client.values import Individual
from tests.services.review.surveys_with_photographs import COUNT, ENCOUNTERS, Page


def test_an_export_that_is_not_certified_is_guarded(page: Page) -> None:
    browser = page.browser()
    page.next(browser)
    shown = browser.get(f"{page.session}/export").json()
    assert (shown["certified"], shown["conflicts"]) == (False, 0)
    assert (shown["detections"], shown["individuals"]) == (COUNT, COUNT - ENCOUNTERS)
    assert any("not certain" in one for one in shown["warnings"])
    assert any("one photograph only" in one for one in shown["warnings"])
    assert shown["command"] == f"spotted export {page.survey_id} --output OUT --session main"
    refused = browser.get(f"{page.session}/export.csv")
    assert (refused.status_code, refused.json()["error"]["reason"]) == (409, "NOT_CERTIFIED")
    table = browser.get(f"{page.session}/export.csv", params={"accept_uncertified": "1"})
    rows = list(csv.DictReader(table.text.splitlines()))
    assert [row["detection_id"] for row in rows] == [d.detection_id for d in page.survey.detections()]
    assert "attachment" in table.headers["content-disposition"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_no_cell_is_a_formula(text: str) -> None:
    (row,) = csv.DictReader(as_csv([Individual("ind-a", (text,), display_name=text)]).splitlines())
    assert row["detection_id"] == row["display_name"] == f"'{text}"
