from __future__ import annotations

import pytest

from spotted.constraints.answers import Answer, LabelEffect
from spotted.v1 import sampler_pb2 as pb


@pytest.mark.parametrize(
    ("ours", "prefix", "contract"),
    [(Answer, "ANSWER", pb.Answer.items()), (LabelEffect, "LABEL_EFFECT", pb.LabelEffect.items())],
    ids=["answers", "effects"],
)
def test_values_are_those_of_the_contract(
    ours: type[Answer | LabelEffect], prefix: str, contract: list[tuple[str, int]]
) -> None:
    named = {f"{prefix}_{member.name}": member.value for member in ours}
    assert named == {name: value for name, value in contract if value}
