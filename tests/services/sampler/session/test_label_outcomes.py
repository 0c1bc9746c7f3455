from __future__ import annotations

import pytest

from services.sampler.session import label_outcomes
from spotted.constraints.answers import LabelEffect, LabelOutcome
from spotted.constraints.explanation import Explanation
from spotted.v1 import sampler_pb2 as pb


def label(label_id: str, first: str, second: str, answer: str, annotator: str = "anna") -> pb.Label:
    return pb.Label(
        label_id=label_id,
        first_detection_id=first,
        second_detection_id=second,
        answer=pb.Answer.Value(f"ANSWER_{answer}"),
        annotator_id=annotator,
    )


LABELS = {
    one.label_id: one
    for one in (
        label("1-1", "d0", "d1", "SAME"),
        label("2-1", "d1", "d2", "SAME", "cleo"),
        label("3-1", "d0", "d2", "DIFFERENT", "ben"),
    )
}


@pytest.mark.parametrize("effect", LabelEffect)
def test_an_effect_is_sent_as_the_value_of_its_name(effect: LabelEffect) -> None:
    outcome = label_outcomes.outcome_message("1-1", LabelOutcome(effect), LABELS)
    assert outcome.effect == pb.LabelEffect.Value(f"LABEL_EFFECT_{effect.name}")


def test_an_outcome_holds_the_label_as_stored_and_what_it_implied() -> None:
    outcome = label_outcomes.outcome_message("1-1", LabelOutcome(LabelEffect.MERGED, implied_same=6), LABELS)
    assert (outcome.label, outcome.implied_same_pairs) == (LABELS["1-1"], 6)
    assert not outcome.HasField("conflict")
    # one that was taken back since
    assert not label_outcomes.outcome_message("9-1", LabelOutcome(LabelEffect.MERGED), LABELS).HasField(
        "label"
    )


def test_a_conflict_names_both_sides_and_who_said_what() -> None:
    found = label_outcomes.conflict("3-1", Explanation(("1-1", "2-1"), None), LABELS)
    assert found.label == LABELS["3-1"]
    assert list(found.explanation) == [LABELS["1-1"], LABELS["2-1"]]
    assert found.message == (
        "ben says that d0 and d2 are two animals, against: d0 and d1 are one animal (anna); "
        "d1 and d2 are one animal (cleo); retract one of these labels"
    )


def test_animals_of_one_image_are_a_reason_beside_labels_and_alone() -> None:
    beside = label_outcomes.conflict("1-1", Explanation(("2-1",), (0, 2)), LABELS)
    alone = label_outcomes.conflict("1-1", Explanation((), (0, 1)), LABELS)
    assert "(cleo), and one image shows two of these animals; retract" in beside.message
    assert alone.message == "d0 and d1 are one animal, but one image shows both animals"
    assert list(alone.explanation) == []


def test_reasons_that_were_taken_back_are_left_out() -> None:
    found = label_outcomes.conflict("3-1", Explanation(("1-1", "gone"), None), LABELS)
    assert [one.label_id for one in found.explanation] == ["1-1"]
