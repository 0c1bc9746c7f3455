from __future__ import annotations

from dataclasses import replace

import pytest

from spotted.cli.sessions.known_names import known_names
from spotted.client import Label
from spotted.constraints.answers import Answer
from spotted.errors import PreconditionError
from tests.spotted.cli.conftest import Machine
from tests.spotted.client.surveys import DETECTIONS, SPEC, survey, vectors


def test_names_come_from_the_survey_or_from_a_session(machine: Machine, survey_id: str) -> None:
    handle = machine.spotted.create_survey(survey(survey_id))
    unknown = [replace(d, individual_id="") for d in DETECTIONS]
    handle.add_detections(unknown, vectors(), SPEC)
    assert known_names(handle, "", DETECTIONS, "nothing is measured") == [d.individual_id for d in DETECTIONS]
    session = handle.create_session("main", strategy="greedy")
    with pytest.raises(
        PreconditionError, match=r"so nothing is measured; answer questions with `spotted ann"
    ):
        known_names(handle, "main", DETECTIONS, "nothing is measured")
    session.next_pairs("me")
    session.submit_labels([Label("d00", "d04", Answer.SAME, "me")])
    found = dict(
        zip(
            [d.detection_id for d in DETECTIONS],
            known_names(handle, "main", DETECTIONS, "nothing is measured"),
            strict=True,
        )
    )
    assert found["d00"] == found["d04"] != ""
    with pytest.raises(PreconditionError, match="import a survey whose observations have individualID"):
        known_names(handle, "", unknown, "nothing is measured")
