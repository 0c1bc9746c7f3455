from __future__ import annotations

import pytest

from services.review.forms.fields import Body
from services.review.forms.labels import (
    EFFECTS,
    bursts_of,
    conflict_form,
    label_form,
    labels_of,
    outcome_form,
    stored_together,
)
from spotted.client.values import Confidence, Conflict, Evidence, Label, StoredLabel
from spotted.constraints import Answer, LabelEffect
from spotted.errors import InvalidInputError
from spotted.facts.kinds import Source


def test_labels_and_bursts_have_the_name_of_the_person() -> None:
    body = Body(
        {
            "labels": [
                {
                    "first": "a",
                    "second": "b",
                    "answer": "not_comparable",
                    "note": "blurred",
                    "confidence": "fairly_sure",
                }
            ],
            "bursts": [{"detections": ["a", "b", "c"], "one_animal": True}],
        }
    )
    sure = Confidence.FAIRLY_SURE
    (label,) = labels_of(body, "anna")
    assert label == Label("a", "b", Answer.NOT_COMPARABLE, "anna", note="blurred", confidence=sure)
    assert (label_form(label)["note"], label_form(label)["confidence"]) == ("blurred", "fairly_sure")
    assert label_form(Label("a", "b", Answer.SAME, "anna"))["confidence"] == ""
    (burst,) = bursts_of(body, "anna")
    assert (burst.detection_ids, burst.one_animal, burst.annotator_id) == (("a", "b", "c"), True, "anna")
    assert burst.versions == ()
    asked = {"first": "a", "second": "b", "answer": "same", "first_version": 0, "second_version": 2}
    (label,) = labels_of(Body({"labels": [asked]}), "anna")
    assert label.versions == (0, 2)
    said = {"versions": [0, 1], "note": "calf", "confidence": "guess"}
    (burst,) = bursts_of(Body({"bursts": [{"detections": ["a", "b"], **said}]}), "anna")
    assert (burst.versions, burst.note, burst.confidence) == ((0, 1), "calf", Confidence.GUESS)
    for wrong in ({"first_version": -1}, {"first_version": "x"}, {"second_version": 1 << 32}):
        with pytest.raises(InvalidInputError, match="_version is"):
            labels_of(Body({"labels": [asked | wrong]}), "anna")
    with pytest.raises(InvalidInputError, match=r"labels\[0\].answer"):
        labels_of(Body({"labels": [{"first": "a", "second": "b", "answer": "maybe"}]}), "anna")
    with pytest.raises(InvalidInputError, match=r"labels\[0\].confidence"):
        labels_of(
            Body({"labels": [{"first": "a", "second": "b", "answer": "same", "confidence": "very"}]}), "anna"
        )


def test_effects_that_a_person_should_know_have_words() -> None:
    label = Label("a", "b", Answer.SAME, "anna", "l-1", 0.0)
    for effect in LabelEffect:
        form = outcome_form(StoredLabel(label, effect, 0, None), dict.fromkeys)
        assert form["message"] == EFFECTS.get(effect, "")
        assert form["effect"] == effect.name.lower()
    conflict = Conflict(label, (), (Evidence(Source.KNOWN, "a", "c", ("Sita",)),), "it contradicts")
    form = outcome_form(StoredLabel(label, LabelEffect.CONFLICT, 0, conflict), dict.fromkeys)
    assert form["message"] == "kept as a conflict: it contradicts"
    shown = conflict_form(conflict, dict.fromkeys)
    assert shown["photos"] == {"a": None, "b": None, "c": None}
    assert shown["label"] == label_form(label)


def test_the_labels_of_one_question_are_one_answer() -> None:
    labels = [
        Label("a", x, Answer.SAME, who, x, at)
        for x, who, at in (("b", "anna", 1.0), ("c", "anna", 1.0), ("d", "ben", 2.0), ("e", "anna", 3.0))
    ]
    answers = stored_together(labels, "anna", 9)
    assert [[one["label_id"] for one in each["labels"]] for each in answers] == [["e"], ["b", "c"]]  # type: ignore[attr-defined] # JSON
    assert len(stored_together(labels, "anna", 1)) == 1
