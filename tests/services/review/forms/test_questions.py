from __future__ import annotations

from datetime import UTC

from services.review.forms.photos import Json, photo_form
from services.review.forms.questions import journey_form, question_forms
from spotted.client.values import GroupQuery, PairQuery, QuestionKind, Questions
from spotted.survey import Detection, Side


def photo(detection: Detection) -> Json:
    return photo_form(detection, UTC)


def test_groups_come_first_and_each_question_has_a_key_of_its_own() -> None:
    left, right = Detection("a", side=Side.LEFT), Detection("b", side=Side.RIGHT)
    pair = PairQuery(left, right, "why", 0.7, 2610.0, 9 * 86_400.0, 0.01, 60.0, calibrated=True)
    burst = GroupQuery(QuestionKind.BURST, None, (left, right), "one burst", (), None)
    gallery = GroupQuery(QuestionKind.GALLERY, left, (right,), "these", (0.4,), 60.0, calibrated=True)
    forms = question_forms(Questions((pair,), (burst, gallery), finished=False), photo, None)
    assert [one["kind"] for one in forms] == ["burst", "gallery", "pair"]
    assert [one["key"] for one in forms] == ["burst:a,b", "gallery:a,b", "pair:a,b"]
    assert forms[2]["opposite_sides"] is True
    assert forms[2]["chances"] == ["likely"]
    assert forms[2]["lease_expires_at"] == "1970-01-01T00:01:00Z"
    assert forms[1]["chances"] == ["about as likely as not"]
    assert forms[0]["scores"] == []


def test_before_enough_answers_candidates_have_ranks_and_pairs_no_chance() -> None:
    left, right = Detection("a"), Detection("b")
    pair = PairQuery(left, right, "alike", 0.97, None, None, None, None)
    gallery = GroupQuery(QuestionKind.GALLERY, left, (right, right), "these", (0.97, 0.96), 60.0)
    forms = question_forms(Questions((pair,), (gallery,), finished=False), photo, None)
    assert [one["chances"] for one in forms] == [["best candidate", "another candidate"], [""]]
    assert [one["calibrated"] for one in forms] == [False, False]


def test_a_picture_that_was_replaced_makes_another_question_with_another_address() -> None:
    before, after = Detection("a", image_uri="a.jpg"), Detection("a", image_uri="b.jpg")
    pairs = [
        PairQuery(one, Detection("b"), "", 0.7, None, None, None, None, versions)
        for one, versions in ((before, (0, 0)), (after, (1, 0)))
    ]
    first, second = question_forms(Questions(tuple(pairs), (), finished=False), photo, None)
    assert (first["key"], second["key"]) == ("pair:a,b", "pair:a,b@1,0")
    assert [[one["version"] for one in form["photos"]] for form in (first, second)] == [[0, 0], [1, 0]]  # type: ignore[attr-defined] # JSON
    pictures = [form["photos"][0]["picture"] for form in (first, second)]  # type: ignore[index] # JSON
    assert len(set(pictures)) == len(pictures)


def test_a_journey_that_takes_no_time_has_no_speed() -> None:
    form = journey_form(100.0, 0.0, float("inf"), None)
    assert (form["speed_kmh"], form["distance_m"]) == (None, 100.0)
    assert "not possible" in str(form["text"])
