from __future__ import annotations

import pytest

from services.common.session import changes
from services.common.store.store import Store
from services.sampler.session.imported_changes import check_change
from services.sampler.session.imported_events import ImportedEvents
from services.sampler.session.state import SessionState
from spotted.errors import InvalidInputError
from spotted.v1 import individuals_pb2 as ind
from spotted.v1 import sampler_pb2 as pb
from tests.services.sampler.individuals.session import OpenSession
from tests.services.sampler.surveys import Sampler, ToyScorer, planted

ANIMALS = planted(animals=4, each=3)


@pytest.fixture
def session(store: Store, survey_id: str) -> OpenSession:
    """A session with every kind of change."""
    sampler = Sampler(store, ToyScorer(ANIMALS))
    sampler.create(survey_id)
    sampler.ask(survey_id)
    session = OpenSession(sampler, survey_id)
    session.label("d02", "d03", "DIFFERENT")
    change = session.merge("ind-d02", "ind-d03")
    session.split("ind-d02", "d03")
    session.move(["d05"], "ind-d02")
    session.update("ind-d02", display_name="Sita")
    session.undo(change.position)
    return session


def events(session: OpenSession) -> list[pb.SessionEvent]:
    return session.sampler.sessions.events(session.survey_id, "main")


def test_a_journal_with_every_change_is_imported_as_it_is(session: OpenSession) -> None:
    arriving = ImportedEvents((session.survey_id, "copy"), ANIMALS)
    state = SessionState()
    for event in events(session):
        state.apply(arriving.take(event).SerializeToString())
    assert state.named_individuals.messages() == session.listed()


def pair(first: str, second: str) -> ind.StatedPair:
    return ind.StatedPair(first_detection_id=first, second_detection_id=second)


ONE = ind.Individual(individual_id="ind-d02")
SPLIT, MOVED = ind.IndividualSplit(individual_id="ind-d02"), ind.DetectionsMoved(individual_id="ind-d02")
WRONG: dict[str, ind.IndividualsChanged] = {
    "the change is empty": ind.IndividualsChanged(),
    "founded individual 'x'": ind.IndividualsChanged(merged=ind.IndividualsMerged(individual_id="x")),
    "founded individual 'ind9-d02'": ind.IndividualsChanged(
        merged=ind.IndividualsMerged(individual_id="ind9-d02")
    ),
    "no earlier round added detection 'x'": ind.IndividualsChanged(
        split=ind.IndividualSplit(individual_id="ind-d02", detection_ids=["x"])
    ),
    "names 'd02' twice": ind.IndividualsChanged(split=SPLIT, pairs=[pair("d02", "d02")]),
    "supersedes label '99-1'": ind.IndividualsChanged(moved=MOVED, superseded_label_ids=["99-1"]),
    "'3-1' twice": ind.IndividualsChanged(moved=MOVED, superseded_label_ids=["3-1", "3-1"]),
    "undoes change 3": ind.IndividualsChanged(undone=ind.ChangeUndone(position=3)),
    "'undone' states no pairs": ind.IndividualsChanged(
        undone=ind.ChangeUndone(position=4), pairs=[pair("d02", "d03")]
    ),
    "it sets nothing": ind.IndividualsChanged(updated=ind.IndividualUpdated(individual=ONE)),
    "it sets .*age": ind.IndividualsChanged(updated=ind.IndividualUpdated(paths=["age"], individual=ONE)),
    "a sex or a status": ind.IndividualsChanged(
        updated=ind.IndividualUpdated(
            paths=["sex"],
            individual=ind.Individual(individual_id="ind-d02", sex=9),  # type: ignore[arg-type] # unknown
        )
    ),
    "use at most 4096": ind.IndividualsChanged(
        updated=ind.IndividualUpdated(
            paths=["notes"], individual=ind.Individual(individual_id="ind-d02", notes="x" * 5000)
        )
    ),
}


@pytest.mark.parametrize("words", WRONG)
def test_a_change_that_cannot_follow_is_refused(session: OpenSession, words: str) -> None:
    change = WRONG[words]
    change.annotator_id = "carla"

    def check(state: SessionState) -> None:
        changes.check_change(change, state.roster.item_of)
        check_change(state, pb.SessionEvent(changed=change))

    with pytest.raises(InvalidInputError, match=words):
        session.view(check)
