from __future__ import annotations

import pytest

from services.common.store.store import Store
from services.sampler.session.defaults import with_settings
from services.sampler.session.progress import quick_progress
from services.sampler.session.settings_change import update_session
from spotted.errors import NotFoundError
from spotted.v1 import sampler_pb2 as pb
from spotted.v1.scorer_pb2 import CandidateFilter
from spotted.v1.session_facts_pb2 import KNOWN_INDIVIDUALS_IGNORED, KNOWN_INDIVIDUALS_SUGGESTED
from tests.services.sampler.surveys import Sampler, ToyScorer, events, planted


def update(
    made: Sampler, survey_id: str, *paths: str, request_id: str = "", **values: object
) -> tuple[pb.Session, pb.Progress]:
    changes = pb.Session(survey_id=survey_id, session_id="main", **values)  # type: ignore[arg-type] # any field
    return update_session(made.sessions, with_settings(changes), paths, request_id, quick_progress)


def test_only_the_named_settings_change_and_a_repeat_changes_nothing(store: Store, survey_id: str) -> None:
    made = Sampler(store, ToyScorer(planted()))
    before = made.create(survey_id, seed=4)
    for _ in range(2):
        after, _ = update(
            made, survey_id, "trust", request_id="r", trust=pb.TRUST_VERIFIED, ask_opposite_flanks=True
        )
        assert (after.trust, after.ask_opposite_flanks, after.seed) == (pb.TRUST_VERIFIED, False, 4)
        assert after.create_time == before.create_time
    assert len(events(made, survey_id, "updated")) == 1
    assert not events(made, survey_id, "updated")[0].updated.HasField("read")


def test_names_and_filters_are_read_from_the_survey_as_it_is(store: Store, survey_id: str) -> None:
    scorer = ToyScorer(planted())
    made = Sampler(store, scorer)
    made.create(survey_id)
    made.ask(survey_id)
    scorer.more |= {i: {"individual_id": "Mvula"} for i in ("d00", "d05", "d10")}
    _, progress = update(made, survey_id, "known_individuals")
    assert progress.individuals == 18
    _, progress = update(made, survey_id, "known_individuals", known_individuals=KNOWN_INDIVIDUALS_SUGGESTED)
    assert progress.individuals == 20
    # suggested pairs come first, and say why
    question = made.asked(survey_id, "zoe").questions[0].question
    assert "both are named 'Mvula'" in question.pairs[0].reason
    _, progress = update(made, survey_id, "known_individuals", known_individuals=KNOWN_INDIVIDUALS_IGNORED)
    assert progress.individuals == 20


def test_a_filter_limits_the_questions_of_every_kind(store: Store, survey_id: str) -> None:
    made = Sampler(store, ToyScorer(planted()))
    made.create(survey_id)
    only = CandidateFilter(camera_ids=["c"])
    update(made, survey_id, "filter", filter=only)
    # every second detection is of camera c
    allowed = {f"d{n:02}" for n in range(0, 20, 2)}
    asked = made.ask(survey_id, count=100)
    assert asked
    assert {i for pair in asked for i in pair} <= allowed
    drawn = [q.detection_ids for q in made.asked(survey_id, "ben", audit=True, count=100).questions]
    assert {i for pair in drawn for i in pair} <= allowed
    assert made.finish(survey_id, planted()) > 0
    assert {frozenset(part) & allowed for part in made.partition(survey_id)} - {frozenset()} == {
        frozenset(i for i in allowed if planted()[i] == animal) for animal in planted().values()
    }


def test_a_session_that_does_not_exist_is_not_found(store: Store, survey_id: str) -> None:
    with pytest.raises(NotFoundError, match="create the session first"):
        update(Sampler(store, ToyScorer(planted())), survey_id, "trust")
