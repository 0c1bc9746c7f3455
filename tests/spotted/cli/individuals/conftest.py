"""A survey with a session in which two detections are two animals by an answer."""

from __future__ import annotations

import pytest

from spotted.client.session_handle import SessionHandle
from spotted.client.values import Label
from spotted.constraints.answers import Answer
from spotted.facts import KnownIndividuals
from tests.spotted.cli.conftest import Machine
from tests.spotted.client.surveys import DETECTIONS, SPEC, survey, vectors


@pytest.fixture
def asked(machine: Machine, survey_id: str) -> Machine:
    """A session in which d00 and d04 are two animals by an answer."""
    handle = machine.spotted.create_survey(survey(survey_id))
    handle.add_detections(DETECTIONS, vectors(), SPEC)
    session = handle.create_session("main", strategy="greedy", known_individuals=KnownIndividuals.IGNORED)
    session.next_pairs("anna")
    session.submit_labels([Label("d00", "d04", Answer.DIFFERENT, "anna")])
    return machine


@pytest.fixture
def session(asked: Machine, survey_id: str) -> SessionHandle:
    return asked.spotted.survey(survey_id).session("main")
