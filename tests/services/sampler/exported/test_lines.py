from __future__ import annotations

import json

import pytest
from google.protobuf import json_format

from services.common.store.store import Store
from services.sampler.exported.lines import state_lines
from services.sampler.session.progress import full_progress
from spotted.errors import InvalidInputError
from spotted.v1 import individuals_pb2
from spotted.v1 import sampler_pb2 as pb
from tests.services.sampler.journals import journal_of, toy_scorer
from tests.services.sampler.surveys import Sampler


def test_the_lines_of_a_journal_are_the_state_of_its_session(store: Store, survey_id: str) -> None:
    sampler = Sampler(store, toy_scorer())
    journal = journal_of(sampler, survey_id)
    lines = [json_format.MessageToJson(event, indent=None) for event in journal]
    session, progress, *individuals = state_lines(lines)
    assert json.loads(session)["sessionId"] == "main"
    state, position = sampler.sessions.current(survey_id, "main").view(lambda s, p: (s, p))
    assert json_format.Parse(progress, pb.Progress()) == full_progress(state, position)
    listed = [json_format.Parse(line, individuals_pb2.Individual()) for line in individuals]
    assert listed == state.named_individuals.messages()

    with pytest.raises(InvalidInputError, match="event 3 is no event of a session"):
        list(state_lines([*lines[:2], lines[2][:-5]]))
    with pytest.raises(InvalidInputError, match="event 2: its position is 3"):
        list(state_lines([lines[0], lines[2]]))
    with pytest.raises(InvalidInputError, match="it has no event"):
        list(state_lines([]))
