from __future__ import annotations

import pytest

from services.sampler.labels import label_outcomes
from spotted.constraints.answers import LabelEffect, LabelOutcome
from spotted.constraints.explanation import Explanation
from spotted.facts.kinds import Fact, Source
from spotted.v1 import sampler_pb2 as pb
from spotted.v1 import survey_pb2
from spotted.v1.session_facts_pb2 import (
    EVIDENCE_SOURCE_ENCOUNTER,
    EVIDENCE_SOURCE_IMAGE,
    EVIDENCE_SOURCE_KNOWN,
)


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


NAMING = label_outcomes.Naming(LABELS, ["d0", "d1", "d2"])


@pytest.mark.parametrize("effect", LabelEffect)
def test_an_effect_is_sent_as_the_value_of_its_name(effect: LabelEffect) -> None:
    outcome = label_outcomes.outcome_message("1-1", LabelOutcome(effect), NAMING)
    assert outcome.effect == pb.LabelEffect.Value(f"LABEL_EFFECT_{effect.name}")


def test_an_outcome_holds_the_label_as_stored_and_what_it_implied() -> None:
    outcome = label_outcomes.outcome_message("1-1", LabelOutcome(LabelEffect.MERGED, implied_same=6), NAMING)
    assert (outcome.label, outcome.implied_same_pairs) == (LABELS["1-1"], 6)
    assert not outcome.HasField("conflict")
    # one that was taken back since
    assert not label_outcomes.outcome_message("9-1", LabelOutcome(LabelEffect.MERGED), NAMING).HasField(
        "label"
    )


def test_a_conflict_names_both_sides_and_who_said_what() -> None:
    found = label_outcomes.conflict("3-1", Explanation(("1-1", "2-1")), NAMING)
    assert found.label == LABELS["3-1"]
    assert list(found.explanation) == [LABELS["1-1"], LABELS["2-1"]]
    assert found.message == (
        "ben says that d0 and d2 are two animals, against: d0 and d1 are one animal (anna); "
        "d1 and d2 are one animal (cleo); retract one of these labels"
    )


def test_animals_of_one_image_are_a_reason_beside_labels_and_alone() -> None:
    image = Fact(Source.IMAGE, 0, 2), Fact(Source.IMAGE, 0, 1)
    beside = label_outcomes.conflict("1-1", Explanation(("2-1",), image[:1]), NAMING)
    alone = label_outcomes.conflict("1-1", Explanation((), image[1:]), NAMING)
    assert "(cleo); one image shows d0 and d2 (image); retract one" in beside.message
    assert alone.message == (
        "anna says that d0 and d1 are one animal, against: one image shows d0 and d1 (image); "
        "retract the label"
    )
    assert list(alone.explanation) == []
    (evidence,) = alone.evidence
    assert evidence.source == EVIDENCE_SOURCE_IMAGE
    assert evidence.pair == survey_pb2.Pair(first_detection_id="d0", second_detection_id="d1")


def test_names_and_encounters_are_reasons_with_their_source_and_a_remedy() -> None:
    one, two = Fact(Source.KNOWN, 0, 2, ("Mvula",)), Fact(Source.KNOWN, 0, 1, ("Mvula", "Nandi"))
    flanks = Fact(Source.ENCOUNTER, 0, 2, ("e5",))
    same = label_outcomes.conflict("3-1", Explanation((), (one,)), NAMING)
    assert (
        "against: d0 and d2 are both named Mvula (known); retract a label, or correct a name" in same.message
    )
    assert (same.evidence[0].source, [*same.evidence[0].names]) == (EVIDENCE_SOURCE_KNOWN, ["Mvula"])
    other = label_outcomes.conflict("1-1", Explanation((), (two,)), NAMING)
    assert "d0 is named Mvula and d1 Nandi (known)" in other.message
    met = label_outcomes.conflict("3-1", Explanation((), (flanks,)), NAMING)
    assert "d0 and d2 are of encounter e5 (encounter); retract a label, or correct the enc" in met.message


def test_a_fact_that_was_left_out_is_a_conflict_without_a_label() -> None:
    name = label_outcomes.fact_conflict(Fact(Source.KNOWN, 0, 2, ("Mvula",)), NAMING)
    assert name.message.startswith("d0 and d2 are both named Mvula (known), but")
    assert name.message.endswith("correct one of the names")
    assert not name.HasField("label")
    encounter = label_outcomes.fact_conflict(Fact(Source.ENCOUNTER, 0, 2, ("e5",)), NAMING)
    assert encounter.message.endswith("correct the encounter or a name")
    assert [evidence.source for evidence in encounter.evidence] == [EVIDENCE_SOURCE_ENCOUNTER]


def test_evidence_beyond_a_message_is_counted() -> None:
    facts = tuple(Fact(Source.KNOWN, 0, 2, ("M" * 250,)) for _ in range(1000))
    found = label_outcomes.conflict("3-1", Explanation((), facts), NAMING)
    assert 0 < len(found.evidence) < 1000
    assert f"and {1000 - len(found.evidence)} more" in found.message


def test_reasons_that_were_taken_back_are_left_out() -> None:
    found = label_outcomes.conflict("3-1", Explanation(("1-1", "gone")), NAMING)
    assert [one.label_id for one in found.explanation] == ["1-1"]


def test_a_conflict_shows_the_beginning_of_notes() -> None:
    noted = {label_id: pb.Label.FromString(one.SerializeToString()) for label_id, one in LABELS.items()}
    noted["3-1"].note = "torn\n left ear"
    noted["1-1"].note = "word " * 100
    naming = label_outcomes.Naming(noted, NAMING.detection_ids)
    found = label_outcomes.conflict("3-1", Explanation(("1-1", "2-1")), naming)
    assert found.message.startswith("ben, 'torn left ear' says that d0 and d2 are two animals")
    assert "(anna, 'word word" in found.message
    assert len(found.message) < 400
    assert found.explanation[0].note == "word " * 100
