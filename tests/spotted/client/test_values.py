from __future__ import annotations

import enum

import pytest

from spotted.client.values import (
    CandidateRule,
    EventKind,
    OperationState,
    QuestionKind,
    Tone,
)
from spotted.constraints.answers import Answer, LabelEffect
from spotted.constraints.trust import Trust
from spotted.scoring.fusion import Fusion
from spotted.survey import Side
from spotted.v1 import embedder_pb2, operations_pb2, sampler_pb2, scorer_pb2, survey_pb2

ENUMS: list[tuple[type[enum.IntEnum], dict[str, int], str]] = [
    (Answer, dict(sampler_pb2.Answer.items()), "ANSWER_"),
    (CandidateRule, dict(scorer_pb2.CandidateRule.items()), "CANDIDATE_RULE_"),
    (Fusion, dict(survey_pb2.Fusion.items()), "FUSION_"),
    (LabelEffect, dict(sampler_pb2.LabelEffect.items()), "LABEL_EFFECT_"),
    (OperationState, dict(operations_pb2.OperationState.items()), "OPERATION_STATE_"),
    (QuestionKind, dict(sampler_pb2.QuestionKind.items()), "QUESTION_KIND_"),
    (Side, dict(survey_pb2.Side.items()), "SIDE_"),
    (Tone, dict(embedder_pb2.Tone.items()), "TONE_"),
    (Trust, dict(sampler_pb2.Trust.items()), "TRUST_"),
]


@pytest.mark.parametrize(
    ("values", "contract", "prefix"), ENUMS, ids=lambda one: getattr(one, "__name__", "")
)
def test_enums_have_the_values_of_the_contract(
    values: type[enum.IntEnum], contract: dict[str, int], prefix: str
) -> None:
    expected = {name.removeprefix(prefix): value for name, value in contract.items()}
    unspecified = {"UNKNOWN": expected.pop("UNSPECIFIED")} if values is Side else {}
    expected.pop("UNSPECIFIED", None)
    assert {one.name: one.value for one in values} == expected | unspecified


def test_event_kinds_are_those_of_the_contract() -> None:
    events = sampler_pb2.SessionEvent.DESCRIPTOR.oneofs_by_name["event"].fields
    # parts of large events are only on the wire
    assert {kind.value for kind in EventKind} == {field.name for field in events} - {"part"}
