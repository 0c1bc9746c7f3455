"""Decisions of people against known names and encounters."""

from __future__ import annotations

import pytest

from services.common.store.store import Store
from services.sampler.session.defaults import with_settings
from services.sampler.session.progress import quick_progress
from services.sampler.session.settings_change import update_session
from spotted.errors import PreconditionError
from spotted.survey import Side
from spotted.v1 import sampler_pb2 as pb
from spotted.v1.session_facts_pb2 import EVIDENCE_SOURCE_ENCOUNTER, EVIDENCE_SOURCE_KNOWN
from tests.services.sampler.individuals.session import OpenSession, numbered
from tests.services.sampler.surveys import Sampler, ToyScorer, planted

TRUSTS = {"single": pb.TRUST_SINGLE, "verified": pb.TRUST_VERIFIED}
NAMES = {"d02": "Mvula", "d03": "Mvula", "d04": "Mvula", "d05": "Nandi", "d06": "Nandi"}


@pytest.fixture
def scorer() -> ToyScorer:
    more: dict[str, dict[str, object]] = {i: {"individual_id": name} for i, name in NAMES.items()}
    more["d08"] = {"side": Side.LEFT, "encounter_id": "e"}
    more["d09"] = {"side": Side.RIGHT, "encounter_id": "e"}
    return ToyScorer(planted(animals=4, each=3), images={"d00": "i", "d01": "i"}, more=more)


@pytest.fixture(params=TRUSTS)
def session(request: pytest.FixtureRequest, store: Store, survey_id: str, scorer: ToyScorer) -> OpenSession:
    """d02 to d04 are named Mvula, d05 and d06 Nandi; d08 and d09 are both flanks of an encounter."""
    sampler = Sampler(store, scorer)
    sampler.create(survey_id, trust=TRUSTS[request.param])
    return OpenSession(sampler, survey_id)


def replayed(session: OpenSession, store: Store) -> set[frozenset[str]]:
    """The individuals as a replica has them that reads the journal."""
    return OpenSession(Sampler(store, session.sampler.sessions.scorer), session.survey_id).partition()


def test_two_names_are_merged_shown_and_parted_again(session: OpenSession, store: Store) -> None:
    before = session.partition()
    change = session.merge("ind-d02", "ind-d05")
    assert numbered(2, 3, 4, 5, 6) in session.partition()
    (fact,) = change.superseded_facts
    assert (fact.source, list(fact.names)) == (EVIDENCE_SOURCE_KNOWN, ["Mvula", "Nandi"])
    assert change.superseded_fact_count == 1
    assert session.view(lambda state: state.conflicts()) == []
    assert replayed(session, store) == session.partition()
    undone = session.undo(change.position)
    assert list(undone.superseded_facts) == [fact]
    assert session.partition() == before == replayed(session, store)


def test_a_detection_that_comes_later_has_the_names_as_they_were_merged(
    session: OpenSession, scorer: ToyScorer
) -> None:
    session.merge("ind-d02", "ind-d05")
    scorer.animals["d20"] = "animal-0"
    scorer.more["d20"] = {"individual_id": "Nandi"}
    session.label("d20", "d07", "SAME")
    assert any(one >= numbered(2, 5, 20) for one in session.partition())


def test_one_name_is_split_and_what_leaves_has_no_name(session: OpenSession, store: Store) -> None:
    before = session.partition()
    change = session.split("ind-d02", "d03", "d04")
    assert {numbered(2), numbered(3, 4)} <= session.partition()
    assert {tuple(fact.names) for fact in change.superseded_facts} == {("Mvula",)}
    # what leaves may be of any other name now
    moved = session.merge("ind-d05", session.id_of("d03"))
    assert numbered(3, 4, 5, 6) in session.partition()
    assert list(moved.superseded_facts) == []
    assert replayed(session, store) == session.partition()
    for position in (moved.position, change.position):
        session.undo(position)
    assert session.partition() == before


def test_a_detection_is_moved_from_one_name_to_another(session: OpenSession, store: Store) -> None:
    before = session.partition()
    change = session.move(["d03"], "ind-d05")
    assert {numbered(2, 4), numbered(3, 5, 6)} <= session.partition()
    assert replayed(session, store) == session.partition()
    session.undo(change.position)
    assert session.partition() == before


def test_names_that_are_read_again_leave_decisions_as_they_are(
    session: OpenSession, scorer: ToyScorer
) -> None:
    session.split("ind-d02", "d03")
    partition = session.partition()
    changes = with_settings(pb.Session(survey_id=session.survey_id, session_id="main"))
    update_session(session.sampler.sessions, changes, ["known_individuals"], "", quick_progress)
    assert session.partition() == partition
    # a name that was corrected meanwhile counts
    scorer.more["d03"] = {"individual_id": "Nandi"}
    update_session(session.sampler.sessions, changes, ["known_individuals"], "", quick_progress)
    assert any(one >= numbered(3, 5, 6) for one in session.partition())


def test_an_encounter_is_split(session: OpenSession) -> None:
    assert numbered(8, 9) in session.partition()
    change = session.split(session.id_of("d08"), "d09")
    assert {numbered(8), numbered(9)} <= session.partition()
    (fact,) = change.superseded_facts
    assert (fact.source, list(fact.names)) == (EVIDENCE_SOURCE_ENCOUNTER, ["e"])
    session.undo(change.position)
    assert numbered(8, 9) in session.partition()


def test_an_image_is_never_overruled(session: OpenSession) -> None:
    with pytest.raises(PreconditionError, match="one image shows both 'd00' and 'd01'"):
        session.merge("ind-d00", "ind-d01")
