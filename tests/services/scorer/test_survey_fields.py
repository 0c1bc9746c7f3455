from __future__ import annotations

import pytest

from services.scorer.survey_fields import check_fields, differing_fields
from spotted.errors import InvalidInputError
from spotted.v1 import survey_pb2 as pb

START_S, END_S = 100, 200


def survey(**fields: str) -> pb.Survey:
    made = pb.Survey(survey_id="s", **fields)  # type: ignore[arg-type] # fields by name
    made.start_time.seconds, made.end_time.seconds = START_S, END_S
    return made


@pytest.mark.parametrize("end_s", [START_S, START_S - 1])
def test_a_survey_ends_after_it_starts(end_s: int) -> None:
    made = survey()
    check_fields(made)
    made.end_time.seconds = end_s
    with pytest.raises(InvalidInputError, match="does not end after it starts") as caught:
        check_fields(made)
    assert caught.value.field == "survey.end_time"


def test_a_creation_differs_by_what_it_names_and_by_nothing_that_it_leaves_out() -> None:
    stored = survey(display_name="Kenya")
    stored.embedding.dimension = 12
    assert differing_fields(survey(display_name="Kenya"), stored) == []
    assert differing_fields(survey(display_name="Tanzania"), stored) == ["display_name"]
    asked = survey(display_name="Kenya")
    asked.embedding.dimension = 13
    assert differing_fields(asked, stored) == ["embedding"]
