from __future__ import annotations

import pytest

from spotted.constraints.answers import Answer, LabelEffect, LabelledPair
from spotted.constraints.closure import Closure
from spotted.constraints.interface import Constraints
from spotted.constraints.trust import Trust, make_constraints
from spotted.constraints.verified import Verified
from spotted.v1 import sampler_pb2 as pb


def said(label_id: str, first: int, second: int, answer: Answer = Answer.SAME) -> LabelledPair:
    return LabelledPair(label_id, first, second, answer)


def test_the_values_are_those_of_the_contract() -> None:
    named = {f"TRUST_{trust.name}": trust.value for trust in Trust}
    assert named == {name: value for name, value in pb.Trust.items() if value}


@pytest.mark.parametrize(("trust", "kind"), [(Trust.SINGLE, Closure), (Trust.VERIFIED, Verified)])
def test_answers_fold_into_items_of_their_own_first(trust: Trust, kind: type[Constraints]) -> None:
    made = make_constraints(trust, 3)
    assert type(made) is kind
    assert (made.items, made.component_count) == (3, 3)
    assert make_constraints(trust).items == 0


@pytest.mark.parametrize("chance", [None, 0.01, 0.9])
def test_a_single_answer_is_believed_at_once_whatever_it_was_expected_to_be(chance: float | None) -> None:
    made = make_constraints(Trust.SINGLE, 2)
    outcome = made.apply(said("1", 0, 1), "anna", chance)
    assert (outcome.effect, made.component_count) == (LabelEffect.MERGED, 1)


def test_as_evidence_an_unlikely_answer_waits_and_a_likely_one_does_not() -> None:
    made = make_constraints(Trust.VERIFIED, 4)
    unlikely = made.apply(said("1", 0, 1), "anna", 0.1)
    likely = made.apply(said("2", 2, 3), "anna", 0.9)
    assert (unlikely.effect, likely.effect) == (LabelEffect.PENDING, LabelEffect.MERGED)


def test_evidence_knows_its_annotator() -> None:
    made = make_constraints(Trust.VERIFIED, 2)
    made.apply(said("1", 0, 1), "anna", None)
    made.apply(said("2", 0, 1), "ben", None)
    assert isinstance(made, Verified)
    assert made.partition.annotators.answers() == {"anna": 1, "ben": 1}
