from __future__ import annotations

import uuid

from services.review.routes.individuals import ONE
from tests.services.review.routes.test_evidence import merged
from tests.services.review.surveys_with_photographs import COUNT, ENCOUNTERS, Page


def sent(**more: object) -> dict[str, object]:
    return {"request_id": str(uuid.uuid4()), **more}


def test_cards_are_filtered_and_sorted(page: Page) -> None:
    assert ONE.startswith("/api/surveys/")
    merged(page, ["cam/d03", "cam/d04", "cam/d06"])
    browser, path = page.browser(), f"{page.session}/individuals"
    shown = browser.get(path).json()
    assert shown["total"] == len(shown["individuals"]) == COUNT - ENCOUNTERS - 2
    largest = shown["individuals"][0]
    assert (largest["photographs"], largest["cameras"]) == (3, ["c0", "c1"])
    assert largest["sides"] == ["left", "right"]
    assert largest["best"]["left"]["side"] == "left"
    assert largest["best"]["other"] is None
    assert largest["first_seen"] < largest["last_seen"]
    assert browser.get(path, params={"singletons": "0"}).json()["total"] == 2
    assert browser.get(path, params={"singletons": "1"}).json()["total"] == shown["total"] - 2
    assert browser.get(path, params={"camera": "c2", "side": "left"}).json()["total"] == 0
    least = browser.get(path, params={"sort": "least_photographs", "limit": "2"}).json()["individuals"]
    assert [one["photographs"] for one in least] == [1, 1]
    last = browser.get(path, params={"sort": "last_seen"}).json()["individuals"]
    assert [one["last_seen"] for one in last] == sorted((one["last_seen"] for one in last), reverse=True)
    assert browser.get(path, params={"sort": "beauty"}).status_code == 400


def test_an_individual_is_named_split_merged_and_each_is_undone(page: Page) -> None:
    merged(page, ["cam/d03", "cam/d04", "cam/d06"])
    browser = page.browser("anna")
    card = browser.get(f"{page.session}/individuals").json()["individuals"][0]
    path = f"{page.session}/individuals/{card['individual_id']}"
    named = browser.post(path, json=sent(display_name="Sita", sex="female", notes="ear torn")).json()
    assert named["individuals"][0]["name"] == "Sita"
    shown = browser.get(path).json()
    assert (shown["sex"], shown["notes"]) == ("female", "ear torn")
    assert [one["detection_id"] for one in shown["photos"]] == ["cam/d03", "cam/d04", "cam/d06"]
    assert [one["answer"] for one in shown["labels"]] == ["same", "same"]
    assert len(shown["map"]["cameras"]) == 2
    found = browser.get(f"{page.session}/individuals", params={"name": "SIT"}).json()
    assert [one["display_name"] for one in found["individuals"]] == ["Sita"]

    split = browser.post(f"{path}/split", json=sent(detections=["cam/d06"])).json()
    assert sorted(one["photographs"] for one in split["individuals"]) == [1, 2]
    undone = browser.post(f"{page.session}/changes/{split['position']}/undo", json=sent()).json()
    assert [one["photographs"] for one in undone["individuals"] if one["name"] == "Sita"] == [3]
    moved = browser.post(f"{path}/move", json=sent(detections=["cam/d07"])).json()
    assert 4 in {one["photographs"] for one in moved["individuals"]}
    others = browser.get(f"{page.session}/individuals", params={"singletons": "1"}).json()["individuals"]
    other = others[0]["individual_id"]
    together = browser.post(f"{path}/merge", json=sent(others=[other])).json()
    assert 5 in {one["photographs"] for one in together["individuals"]}
    changes = [event.change for event in page.survey.session("main").events() if event.change]
    assert {change.annotator_id for change in changes} == {"anna"}


def test_an_individual_shows_the_animals_that_were_told_apart_from_it(page: Page) -> None:
    merged(page, ["cam/d03", "cam/d04", "cam/d07"])
    browser = page.browser()
    labels = [
        {"first": first, "second": second, "answer": answer}
        for first, second, answer in (
            ("cam/d04", "cam/d06", "different"),
            ("cam/d08", "cam/d03", "not_comparable"),
            ("cam/d03", "cam/d09", "skip"),
            ("cam/d08", "cam/d09", "different"),
        )
    ]
    assert browser.post(f"{page.session}/answers", json=sent(labels=labels)).status_code == 200
    card = browser.get(f"{page.session}/individuals").json()["individuals"][0]
    shown = browser.get(f"{page.session}/individuals/{card['individual_id']}").json()
    assert [one["answer"] for one in shown["apart"]] == ["not_comparable", "different"]
    assert set(shown["apart_photos"]) == {"cam/d06", "cam/d08"}


def test_a_change_of_what_has_changed_meanwhile_is_refused(page: Page) -> None:
    merged(page, ["cam/d03", "cam/d04"])
    browser = page.browser()
    card = browser.get(f"{page.session}/individuals").json()["individuals"][0]
    path = f"{page.session}/individuals/{card['individual_id']}"
    browser.post(path, json=sent(display_name="Sita"))
    late = browser.post(path, json=sent(display_name="Rani", as_of=card["position"]))
    assert late.status_code == 409
    assert browser.post(path, json=sent(sex="both")).json()["error"]["field"] == "sex"
