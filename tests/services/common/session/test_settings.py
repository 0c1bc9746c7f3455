from __future__ import annotations

import pytest

from services.common.session.settings import MUTABLE, check_settings
from spotted.errors import InvalidInputError
from spotted.v1 import sampler_pb2 as pb
from spotted.v1.scorer_pb2 import CandidateFilter


def test_settings_that_can_change_are_fields_of_a_session() -> None:
    assert set(MUTABLE) < {field.name for field in pb.Session.DESCRIPTOR.fields}
    check_settings(pb.Session(), "")


def test_a_wrong_setting_is_named_with_its_prefix() -> None:
    both = pb.Session(filter=CandidateFilter(comparable_sides_only=True), ask_opposite_flanks=True)
    wrong = {"trust": pb.Session(trust=9), "ask_opposite_flanks": both}  # type: ignore[arg-type] # not a value
    for name, session in wrong.items():
        with pytest.raises(InvalidInputError, match=f"settings.{name}") as caught:
            check_settings(session, "settings.")
        assert caught.value.field == f"settings.{name}"
