from __future__ import annotations

import pytest

from services.common.session.events import SessionEvents
from services.common.store.store import Store
from services.sampler.session.state import SessionState
from spotted.errors import InvalidInputError
from spotted.messages import timestamp
from spotted.v1 import sampler_pb2 as pb
from spotted.v1.session_facts_pb2 import EntryName, SurveyRead
from tests.services.sampler.journals import ANIMALS, DAMAGES, journal_of, toy_scorer
from tests.services.sampler.surveys import Sampler


@pytest.fixture
def journal(store: Store, survey_id: str) -> list[pb.SessionEvent]:
    return journal_of(Sampler(store, toy_scorer()), survey_id)


def test_what_is_accepted_can_be_folded(journal: list[pb.SessionEvent]) -> None:
    checked, state = SessionEvents("s", ANIMALS), SessionState()
    for event in journal:
        checked.take(event)
        state.apply(event.SerializeToString())
    assert checked.events == state.position == len(journal)


def test_a_detection_that_the_survey_never_had_is_named(journal: list[pb.SessionEvent]) -> None:
    checked = SessionEvents("s", set(ANIMALS) - {"d05"})
    checked.take(journal[0])
    with pytest.raises(InvalidInputError, match="survey 's' has no detection 'd05'"):
        checked.take(journal[1])
    # a refused event counts for nothing
    assert checked.events == 1


def test_each_damage_is_refused_at_its_event(journal: list[pb.SessionEvent]) -> None:
    for break_it, words in DAMAGES.values():
        if "its position" not in words:
            changed = [pb.SessionEvent.FromString(event.SerializeToString()) for event in journal]
            break_it(changed)
            checked = SessionEvents("s", ANIMALS)
            with pytest.raises(InvalidInputError):
                list(map(checked.take, changed))
            at = words.partition(":")[0].removeprefix("event ")
            assert not at.isdigit() or checked.events == int(at) - 1


def test_members_of_the_catalogue_need_not_be_in_the_survey() -> None:
    checked = SessionEvents("s", {"d1"})
    greedy = pb.StrategySettings(strategy_id="greedy")
    at, session = timestamp(1.0), pb.Session(strategy=greedy, catalogue_survey_ids=["t"])
    checked.take(pb.SessionEvent(create_time=at, created=session))
    names = [EntryName(entry_id="cat-a", display_name="Sita")]
    read = SurveyRead(added_detection_ids=["d1", "~t/d1"], entry_names=names)
    checked.take(pb.SessionEvent(create_time=at, read=read))
    checked.take(pb.SessionEvent(create_time=at, read=SurveyRead(renamed_detection_ids=["~t/d1"])))
    for wrong, words in (
        (SurveyRead(renamed_detection_ids=["~t/d2"]), "is renamed that the session does not have"),
        (SurveyRead(renamed_detection_ids=["d1", "d1"]), "twice"),
        (SurveyRead(entry_names=[EntryName()]), "entry_names"),
        (SurveyRead(added_detection_ids=["d2"]), "has no detection 'd2'"),
    ):
        with pytest.raises(InvalidInputError, match=words):
            checked.take(pb.SessionEvent(create_time=at, read=wrong))
