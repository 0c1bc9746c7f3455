from __future__ import annotations

import uuid

from services.review.routes.questions import KINDS
from spotted.constraints import Answer
from tests.services.review.surveys_with_photographs import COUNT, ENCOUNTERS, Page


def test_a_question_shows_two_photographs_with_the_journey_between_them(page: Page) -> None:
    answered = page.next(page.browser())
    assert (answered["state"], answered["notice"], answered["others"]) == ("ready", "", [])
    (question,) = answered["questions"]
    first, second = question["photos"]
    assert (question["kind"], question["anchor"]) == ("pair", None)
    assert question["key"] == f"pair:{first['detection_id']},{second['detection_id']}"
    # Nairobi is three hours ahead of UTC
    assert first["captured_at"].endswith("+03:00")
    assert first["zone"] == "EAT"
    assert first["file"].startswith("IMG_")
    assert "/" not in first["file"]
    assert first["box"] == {"x": 0.25, "y": 0.25, "width": 0.5, "height": 0.5}
    explained = page.survey.explain_pair(first["detection_id"], second["detection_id"])
    assert question["journey"]["distance_m"] == explained.distance_m
    assert question["journey"]["text"]
    assert question["opposite_sides"] == ({first["side"], second["side"]} == {"left", "right"})


def test_questions_are_leased_and_come_again_until_they_are_answered(page: Page) -> None:
    anna, ben = page.browser("anna"), page.browser("ben")
    mine = {one["key"] for one in page.next(anna, count=5)["questions"]}
    assert len(mine) == 5
    assert {one["key"] for one in page.next(anna, count=5)["questions"]} == mine
    assert not mine & {one["key"] for one in page.next(ben, count=5)["questions"]}


def test_the_name_of_the_cookie_answers_and_a_repeat_is_stored_once(page: Page) -> None:
    browser = page.browser("anna")
    (question,) = page.next(browser)["questions"]
    first, second = (one["detection_id"] for one in question["photos"])
    sent = {
        "request_id": str(uuid.uuid4()),
        "labels": [{"first": first, "second": second, "answer": "same", "annotator": "mallory"}],
    }
    stored, again = (browser.post(f"{page.session}/answers", json=sent).json() for _ in range(2))
    assert stored == again
    (outcome,) = stored["outcomes"]
    assert outcome["effect"] == "merged"
    (label,) = page.survey.session("main").labels()
    assert (label.annotator_id, label.answer, label.label_id) == (
        "anna",
        Answer.SAME,
        outcome["label"]["label_id"],
    )


def test_every_answer_is_undone_down_to_none(page: Page) -> None:
    browser = page.browser()
    for _ in range(4):
        (question,) = page.next(browser)["questions"]
        first, second = (one["detection_id"] for one in question["photos"])
        sent = {
            "request_id": str(uuid.uuid4()),
            "labels": [{"first": first, "second": second, "answer": "same"}],
        }
        assert browser.post(f"{page.session}/answers", json=sent).status_code == 200
    answers = browser.get(f"{page.session}/answers").json()["answers"]
    assert len(answers) == 4
    times = [one["created_at"] for one in answers]
    assert times == sorted(times, reverse=True)
    assert browser.get(f"{page.session}/answers?limit=2").json()["answers"] == answers[:2]
    for one in answers:
        ids = [label["label_id"] for label in one["labels"]]
        sent = {"request_id": str(uuid.uuid4()), "label_ids": ids}
        assert browser.post(f"{page.session}/retract", json=sent).status_code == 200
    assert browser.get(f"{page.session}/answers").json() == {"answers": []}
    assert page.survey.session("main").progress().individuals == COUNT - ENCOUNTERS


def test_questions_of_a_page_that_closed_are_asked_of_others_at_once(page: Page) -> None:
    anna, ben = page.browser("anna"), page.browser("ben")
    mine = [one["key"] for one in page.next(anna, count=4)["questions"]]
    left = anna.post(f"{page.session}/leave", json={})
    assert (left.status_code, left.json()) == (200, {"released": 4})
    assert [one["key"] for one in page.next(ben, count=4)["questions"]] == mine


def test_a_remark_is_stored_and_a_retraction_is_shown_before_it_is_done(page: Page) -> None:
    browser = page.browser()
    said = {"note": "torn ear", "confidence": "guess"}
    labels = [{"first": "cam/d05", "second": "cam/d06", "answer": "same", **said}]
    sent = {"request_id": str(uuid.uuid4()), "labels": labels}
    (outcome,) = browser.post(f"{page.session}/answers", json=sent).json()["outcomes"]
    (own,) = browser.get(f"{page.session}/answers").json()["answers"]
    assert {name: own["labels"][0][name] for name in said} == said
    ids = [outcome["label"]["label_id"]]
    preview = browser.post(f"{page.session}/retract/preview", json={"label_ids": ids}).json()
    assert preview["before"]["individuals"] + 1 == preview["after"]["individuals"]
    assert page.survey.session("main").progress().same == 1
    sent = {"request_id": str(uuid.uuid4()), "label_ids": ids}
    done = browser.post(f"{page.session}/retract", json=sent).json()["progress"]
    assert done["individuals"] == preview["after"]["individuals"]
    assert browser.post(f"{page.session}/retract/preview", json={"label_ids": ids}).status_code == 404


def test_the_answers_of_others_are_not_mine(page: Page) -> None:
    anna, ben = page.browser("anna"), page.browser("ben")
    (question,) = page.next(anna)["questions"]
    first, second = (one["detection_id"] for one in question["photos"])
    sent = {"request_id": str(uuid.uuid4()), "labels": [{"first": first, "second": second, "answer": "skip"}]}
    anna.post(f"{page.session}/answers", json=sent)
    assert len(anna.get(f"{page.session}/answers").json()["answers"]) == 1
    assert ben.get(f"{page.session}/answers").json()["answers"] == []


def test_a_contradiction_comes_with_its_photographs(page: Page) -> None:
    browser = page.browser()
    ids = [d.detection_id for d in page.survey.detections()][3:6]
    pairs = [(ids[0], ids[1], "same"), (ids[1], ids[2], "same"), (ids[0], ids[2], "different")]
    labels = [{"first": a, "second": b, "answer": answer} for a, b, answer in pairs]
    page.next(browser)
    sent = {"request_id": str(uuid.uuid4()), "labels": labels}
    outcome = browser.post(f"{page.session}/answers", json=sent).json()["outcomes"][-1]
    assert outcome["effect"] == "conflict"
    assert set(outcome["conflict"]["photos"]) == set(ids)
    assert len(outcome["conflict"]["explanation"]) == 2


def test_a_gallery_is_asked_with_its_anchor(page: Page) -> None:
    questions = page.next(page.browser(), count=5, shows=["gallery", "burst"], gallery_size=4)["questions"]
    assert {one["kind"] for one in questions} <= {"pair", *KINDS}
    galleries = [one for one in questions if one["kind"] == "gallery"]
    for one in galleries:
        assert one["anchor"]["detection_id"]
        assert len(one["scores"]) == len(one["chances"]) == len(one["photos"]) <= 4


def test_what_is_wrong_with_a_request_is_named(page: Page) -> None:
    browser = page.browser()
    cases = [
        ("next", {"count": 0}, "count"),
        ("next", {"shows": ["film"]}, "shows"),
        ("answers", {"labels": []}, "request_id"),
        (
            "answers",
            {"request_id": "x", "labels": [{"first": "a", "second": "b", "answer": "yes"}]},
            "answer",
        ),
        ("retract", {"request_id": "x", "label_ids": "abc", "annotator": 3}, ""),
    ]
    for path, body, field in cases:
        response = browser.post(f"{page.session}/{path}", json=body)
        assert response.status_code in {400, 404}, response.text
        assert field in response.json()["error"]["field"]
    missing = browser.post(f"/api/surveys/{page.survey_id}/sessions/nosuch/next", json={})
    assert missing.status_code == 404
    assert missing.json()["error"]["reason"] == "NOT_FOUND"
